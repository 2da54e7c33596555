//! Short flags that carry a secret, known by their program: `curl -u ann:x`, `sshpass -p x`, `redis-cli -a x`.

use crate::named::extent;
use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::marks::Marks;
use crate::text::span::Seen;
use crate::text::{Text, is_word};

/// How far behind a program's name its flags are looked for.
const MAX_REACH_BYTES: usize = 256;
/// How many flags are looked at that may carry one, and how many such flags a program has.
const MAX_FLAGS: usize = 3;
const MAX_FLAGS_OF_ONE: usize = 12;

/// A program's flag, and what its argument holds.
struct Flag {
    program: &'static [u8],
    flag: &'static [u8],
    form: Form,
}

impl Flag {
    fn stands_at(&self, text: Text<'_>, at: usize) -> bool {
        self.flag.first() == Some(&text.at(at)) && begins_word(text, at) && text.has(at, self.flag)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The next word is the secret.
    Word,
    /// The secret is glued to the flag.
    Glued,
    /// The secret stands behind this sign in the next word, or in the flag's own: `-u ann:x`, `-uann:x`.
    Behind(u8),
    /// The secret is the word behind the one that the flag begins: `/user:ann x`.
    Next,
    /// The secret is the word behind so many others: `-b FILE USER x`.
    After(usize),
}

/// `start..end` is a program's name.
fn scan(text: Text<'_>, marks: &mut Marks, start: usize, end: usize) -> Seen {
    if is_word(text.back(start, 1))
        || is_word(text.at(end))
            && text.at(end) != b'_'
            && !text.slice(start, end).eq_ignore_ascii_case(b"mysql")
    {
        return Seen::Nothing;
    }
    let program = text.slice(start, end);
    let reach = marks.next_end(text, end).min(end + MAX_REACH_BYTES);
    // Its own, picked out once.
    let mut own = [None; MAX_FLAGS_OF_ONE];
    let flags = FLAGS.iter();
    let flags = flags.filter(|flag| program.eq_ignore_ascii_case(flag.program));
    for (slot, flag) in own.iter_mut().zip(flags) {
        *slot = Some(flag);
    }
    let mut at = marks.next_flag(text, end, |at| may_begin(text, at));
    for _ in 0..MAX_FLAGS {
        if at >= reach {
            break;
        }
        let standing = |at| {
            let own = own.iter().map_while(|&flag| flag);
            own.filter(move |flag: &&Flag| flag.stands_at(text, at))
        };
        at = text.run_at(at, reach - at, |at, _| {
            !begins_word(text, at) || standing(at).next().is_none()
        });
        if let Some((from, to)) = standing(at).find_map(|flag| argument(text, flag, at))
            && at < reach
        {
            return Seen::found(Rule::Key, from, to);
        }
        at += 1;
    }
    Seen::Nothing
}

/// May a flag of some program begin at `at`, or a command of one (`add_user`)?
fn may_begin(text: Text<'_>, at: usize) -> bool {
    let is_command = |flag: &Flag| {
        flag.flag.first().is_some_and(u8::is_ascii_alphabetic) && text.has(at, flag.flag)
    };
    begins_word(text, at) && (matches!(text.at(at), b'-' | b'/') || FLAGS.iter().any(is_command))
}

/// Does a word of a command begin at `at`?
fn begins_word(text: Text<'_>, at: usize) -> bool {
    matches!(text.back(at, 1), b' ' | b'"' | b'\'')
}

/// The secret behind `flag`, which stands at `at`.
fn argument(text: Text<'_>, flag: &Flag, at: usize) -> Option<(usize, usize)> {
    let mut start = at + flag.flag.len();
    if flag.form == Form::Next {
        start = text.run_most(start, 64, |byte| byte > b' ');
    }
    if let Form::After(words) = flag.form {
        for _ in 0..words {
            start = text.run_most(start, 8, |byte| byte == b' ');
            start = text.run_most(start, 128, |byte| byte > b' ');
        }
    }
    let is_apart = matches!(text.at(start), b' ' | b'"' | b'\'' | b',' | b'=');
    match flag.form {
        Form::Glued => {}
        Form::Behind(_) if !is_apart && flag.flag.len() == 2 => {}
        // `-u ann:x`, `-u 'ann:x'`, `"-u", "ann:x"`.
        _ => {
            let from = start;
            start = text.run_most(start, 8, |byte| {
                matches!(byte, b' ' | b'"' | b'\'' | b',' | b'=')
            });
            if !matches!(text.back(start, 1), b' ' | b'"' | b'\'' | b',' | b'=') {
                return None;
            }
            // The quote of the argument itself.
            if matches!(text.back(start, 1), b'"' | b'\'') && start > from + 1 {
                start -= 1;
                start = text.run_back(start, 2, |byte| byte == b'\\');
            }
        }
    }
    // Only what may be taken is walked over.
    if !matches!(flag.form, Form::Behind(_)) && !is_value(text, start) {
        return None;
    }
    let word = extent::word(text, start)?;
    let (mut start, end) = (word.start, word.end);
    if let Form::Behind(sign) = flag.form {
        start = text.run_most(start, end - start, |byte| byte != sign) + 1;
        if start > end {
            return None;
        }
        // `-u ann:'s3 same'`
        if matches!(text.at(start), b'"' | b'\'')
            && text.back(end, 1) == text.at(start)
            && end > start + 2
        {
            return is_value(text, start + 1).then_some((start + 1, end - 1));
        }
    }
    (end > start && is_value(text, start)).then_some((start, end))
}

/// A value, not a place for one, a flag, or what another rule left.
fn is_value(text: Text<'_>, start: usize) -> bool {
    !matches!(text.at(start), b'-' | b'$' | b'[' | b'<' | b'/' | b'*')
}

const PROGRAMS: &[&str] = &[
    "curl",
    "sshpass",
    "redis-cli",
    "mysql",
    "mysqldump",
    "mysqladmin",
    "docker login",
    "podman login",
    "helm registry login",
    "az login",
    "mongo",
    "mongosh",
    "mongodump",
    "mongorestore",
    "net use",
    "rdesktop",
    "ssh-keygen",
    "xfreerdp",
    "sqlcmd",
    "snmpget",
    "snmpwalk",
    "smbclient",
    "ldapadd",
    "ldapmodify",
    "ldapsearch",
    "wget",
    "etcdctl",
    "unzip",
    "ipmitool",
    "cqlsh",
    "openssl enc",
    "7z x",
    "7z a",
    "zip",
    "htpasswd",
    "mosquitto_passwd",
    "rabbitmqctl",
    "plink",
    "pscp",
    "lftp",
    "mariadb",
    "mongoexport",
    "mongoimport",
    "ldapwhoami",
    "ldapdelete",
    "ldappasswd",
    "signtool",
    "psexec",
    "unlock-keychain",
];

const FLAGS: &[Flag] = &[
    flag(b"curl", b"-u", Form::Behind(b':')),
    flag(b"curl", b"--user", Form::Behind(b':')),
    flag(b"curl", b"--proxy-user", Form::Behind(b':')),
    flag(b"sshpass", b"-p", Form::Word),
    flag(b"sshpass", b"-p", Form::Glued),
    flag(b"redis-cli", b"-a", Form::Word),
    flag(b"mysql", b"-p", Form::Glued),
    flag(b"mysqldump", b"-p", Form::Glued),
    flag(b"mysqladmin", b"-p", Form::Glued),
    flag(b"docker login", b"-p", Form::Word),
    flag(b"podman login", b"-p", Form::Word),
    flag(b"helm registry login", b"-p", Form::Word),
    flag(b"az login", b"-p", Form::Word),
    flag(b"mongo", b"-p", Form::Word),
    flag(b"mongosh", b"-p", Form::Word),
    flag(b"mongodump", b"-p", Form::Word),
    flag(b"mongorestore", b"-p", Form::Word),
    flag(b"net use", b"/user:", Form::Next),
    flag(b"rdesktop", b"-p", Form::Word),
    flag(b"ssh-keygen", b"-N", Form::Word),
    flag(b"ssh-keygen", b"-P", Form::Word),
    flag(b"xfreerdp", b"/p:", Form::Glued),
    flag(b"sqlcmd", b"-P", Form::Word),
    flag(b"snmpget", b"-c", Form::Word),
    flag(b"snmpwalk", b"-c", Form::Word),
    flag(b"ldapadd", b"-w", Form::Word),
    flag(b"ldapmodify", b"-w", Form::Word),
    flag(b"smbclient", b"-U", Form::Behind(b'%')),
    flag(b"ldapsearch", b"-w", Form::Word),
    flag(b"etcdctl", b"--user", Form::Behind(b':')),
    flag(b"unzip", b"-P", Form::Word),
    flag(b"ipmitool", b"-P", Form::Word),
    flag(b"cqlsh", b"-p", Form::Word),
    flag(b"openssl enc", b"-k", Form::Word),
    flag(b"7z x", b"-p", Form::Glued),
    flag(b"7z a", b"-p", Form::Glued),
    flag(b"zip", b"-P", Form::Word),
    flag(b"zip", b"--password", Form::Word),
    flag(b"htpasswd", b"-nb ", Form::After(1)),
    flag(b"htpasswd", b"-nbB ", Form::After(1)),
    flag(b"htpasswd", b"-bn ", Form::After(1)),
    flag(b"htpasswd", b"-Bbn ", Form::After(1)),
    flag(b"htpasswd", b"-b ", Form::After(2)),
    flag(b"htpasswd", b"-bB ", Form::After(2)),
    flag(b"htpasswd", b"-Bb ", Form::After(2)),
    flag(b"htpasswd", b"-cb ", Form::After(2)),
    flag(b"htpasswd", b"-bc ", Form::After(2)),
    flag(b"mosquitto_passwd", b"-b ", Form::After(2)),
    flag(b"rabbitmqctl", b"add_user ", Form::After(1)),
    flag(b"rabbitmqctl", b"change_password ", Form::After(1)),
    flag(b"rabbitmqctl", b"authenticate_user ", Form::After(1)),
    flag(b"plink", b"-pw", Form::Word),
    flag(b"pscp", b"-pw", Form::Word),
    flag(b"lftp", b"-u", Form::Behind(b',')),
    flag(b"mariadb", b"-p", Form::Glued),
    flag(b"mongoexport", b"-p", Form::Word),
    flag(b"mongoimport", b"-p", Form::Word),
    flag(b"ldapwhoami", b"-w", Form::Word),
    flag(b"ldapdelete", b"-w", Form::Word),
    flag(b"ldappasswd", b"-w", Form::Word),
    flag(b"signtool", b"/p", Form::Word),
    flag(b"psexec", b"-p", Form::Word),
    flag(b"unlock-keychain", b"-p", Form::Word),
];

const fn flag(program: &'static [u8], flag: &'static [u8], form: Form) -> Flag {
    Flag {
        program,
        flag,
        form,
    }
}

pub(crate) static SCANNER: Scanner = Scanner {
    rule: Rule::Key,
    literals: PROGRAMS,
    is_exact: false,
    find: |cx, hit| scan(cx.text, &mut cx.marks, hit.start, hit.end),
    samples: Some(&SAMPLES),
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        (
            "curl -s -u ann:s3same https://x.example",
            "curl -s -u ann:[REDACTED] https://x.example",
        ),
        (
            "sshpass -p 's3same' ssh root@edge",
            "sshpass -p '[REDACTED]' ssh root@edge",
        ),
        (
            "redis-cli -h cache -a s3same ping",
            "redis-cli -h cache -a [REDACTED] ping",
        ),
        ("mysql -uroot -ps3same app", "mysql -uroot -p[REDACTED] app"),
        (
            r"net use Z: \\srv\share /user:corp\ann s3same",
            r"net use Z: \\srv\share /user:corp\ann [REDACTED]",
        ),
        (
            r#"["curl", "-u", "ann:s3same", "https://x.example"]"#,
            r#"["curl", "-u", "ann:[REDACTED]", "https://x.example"]"#,
        ),
        (
            "curl -s -u 'ann:s3 same' https://x.example",
            "curl -s -u 'ann:[REDACTED]' https://x.example",
        ),
        (
            "curl -s -uann:s3same https://x.example",
            "curl -s -uann:[REDACTED] https://x.example",
        ),
        (
            "curl -u ann:'s3 same' https://x.example",
            "curl -u ann:'[REDACTED]' https://x.example",
        ),
        ("zip -P s3same out.zip a b", "zip -P [REDACTED] out.zip a b"),
        (
            "htpasswd -b .htpasswd ann s3same",
            "htpasswd -b .htpasswd ann [REDACTED]",
        ),
        (
            "rabbitmqctl add_user ann s3same",
            "rabbitmqctl add_user ann [REDACTED]",
        ),
        (
            "lftp -u ann,s3same ftp.example.com",
            "lftp -u ann,[REDACTED] ftp.example.com",
        ),
    ],
    kept: &[
        "curl -s https://x.example",
        "curl -u ann https://x.example",
        "mysql -u root -p app",
        "redis-cli ping",
        "ssh -p 2222 edge",
        "mysql: started",
        "curl -uann https://x.example",
        "zip -r out.zip a b",
        "htpasswd -c .htpasswd ann",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_program_has_more_flags_than_are_looked_for() {
        for program in PROGRAMS {
            let is_its = |flag: &&Flag| flag.program == program.as_bytes();
            assert!(
                FLAGS.iter().filter(is_its).count() <= MAX_FLAGS_OF_ONE,
                "{program}"
            );
        }
    }
}
