//! Tokens with the form of a known vendor: a prefix, an alphabet, a length.

use crate::rule::scanner::{Samples, Scanner};
use crate::rule_names::{Place, Rule};
use crate::text::alphabet::{Alphabet, Runs};
use crate::text::span::Seen;
use crate::text::{Text, begins_word, is_base64url};

/// The form of one vendor's tokens.
#[derive(Debug)]
struct Vendor {
    /// What they begin with, in this case.
    prefix: &'static str,
    alphabet: Alphabet,
    /// How many characters follow the prefix, least and most.
    least: usize,
    most: usize,
}

/// `start..end` is the prefix of `vendor`, in any case.
fn scan(text: Text<'_>, runs: &mut Runs, vendor: &Vendor, start: usize, end: usize) -> Seen {
    if !text.has(start, vendor.prefix.as_bytes()) {
        return Seen::Nothing;
    }
    let is_host = vendor.alphabet == Alphabet::Path;
    if !is_host && !begins_word(text, start) {
        return Seen::Nothing;
    }
    let run = runs.around(text, vendor.alphabet, end);
    // Without the stop of a sentence. One that is too long is another's, and stays whole.
    let token_end = run.last.max(end);
    let has_digit = run.digit > end;
    let is_token = match vendor.alphabet {
        Alphabet::Opaque => has_digit,
        Alphabet::Url | Alphabet::Dotted | Alphabet::Alnum | Alphabet::Base64 => {
            has_digit || run.capital > end
        }
        _ => true,
    };
    if !is_token || !(vendor.least..=vendor.most).contains(&(token_end - end)) {
        return Seen::NothingBefore(start + 1);
    }
    // Of a webhook's address the host stays.
    Seen::found(Rule::Token, if is_host { end } else { start }, token_end)
}

/// `start..end` is what stands in the middle of the tokens of this form.
fn scan_infix(text: Text<'_>, form: &Infix, start: usize, end: usize) -> Seen {
    let (most, more) = (form.before.1, form.behind.1);
    let token_start = text.run_back(start, most + 1, |byte| (form.is_before)(byte));
    let token_end = text.run_most(end, more + 1, |byte| form.alphabet.has(byte));
    let lengths = (start - token_start, token_end - end);
    let is_token = (form.before.0..=most).contains(&lengths.0)
        && (form.behind.0..=more).contains(&lengths.1)
        && text.slice(end, token_end).iter().any(u8::is_ascii_digit);
    if is_token {
        Seen::found(Rule::Token, token_start, token_end)
    } else {
        Seen::Nothing
    }
}

/// A token that is known by what stands in its middle, with the least and most characters on both sides.
struct Infix {
    infix: &'static str,
    is_before: fn(u8) -> bool,
    before: (usize, usize),
    alphabet: Alphabet,
    behind: (usize, usize),
}

const FORMS: &[Infix] = &[
    // A Telegram bot's.
    Infix {
        infix: ":AA",
        is_before: |byte| byte.is_ascii_digit(),
        before: (8, 10),
        alphabet: Alphabet::Url,
        behind: (30, 36),
    },
    // Firebase messaging: a server's key, and a device's registration.
    Infix {
        infix: ":APA91b",
        is_before: is_base64url,
        before: (8, 32),
        alphabet: Alphabet::Url,
        behind: (100, 255),
    },
    // Terraform Cloud.
    Infix {
        infix: ".atlasv1.",
        is_before: |byte| byte.is_ascii_alphanumeric(),
        before: (14, 14),
        alphabet: Alphabet::Dotted,
        behind: (60, 80),
    },
    // Stripe, for one payment: `pi_x_secret_y`.
    Infix {
        infix: "_secret_",
        is_before: |byte| byte.is_ascii_alphanumeric() || byte == b'_',
        before: (16, 64),
        alphabet: Alphabet::Alnum,
        behind: (20, 64),
    },
    // An Entra application's secret.
    Infix {
        infix: "7Q~",
        is_before: is_base64url,
        before: (3, 3),
        alphabet: Alphabet::Tilde,
        behind: (30, 36),
    },
    Infix {
        infix: "8Q~",
        is_before: is_base64url,
        before: (3, 3),
        alphabet: Alphabet::Tilde,
        behind: (30, 36),
    },
];

const fn row(prefix: &'static str, alphabet: Alphabet, least: usize, most: usize) -> Vendor {
    Vendor {
        prefix,
        alphabet,
        least,
        most,
    }
}

const ANY: usize = 4096;

const TABLE: &[Vendor] = &[
    // AWS
    row("AKIA", Alphabet::Upper, 16, 16),
    row("ASIA", Alphabet::Upper, 16, 16),
    row("ABIA", Alphabet::Upper, 16, 16),
    row("ACCA", Alphabet::Upper, 16, 16),
    // GitHub, GitLab, Atlassian
    row("ghp_", Alphabet::Alnum, 30, 255),
    row("gho_", Alphabet::Alnum, 30, 255),
    row("ghu_", Alphabet::Alnum, 30, 255),
    row("ghs_", Alphabet::Alnum, 30, 255),
    row("ghr_", Alphabet::Alnum, 30, 255),
    row("github_pat_", Alphabet::Url, 40, 255),
    row("glpat-", Alphabet::Dotted, 20, 255),
    row("gldt-", Alphabet::Dotted, 20, 255),
    row("glrt-", Alphabet::Dotted, 20, 255),
    row("glptt-", Alphabet::Dotted, 20, 255),
    row("glcbt-", Alphabet::Dotted, 20, 255),
    row("glsoat-", Alphabet::Dotted, 20, 255),
    row("ATATT3", Alphabet::Url, 60, ANY),
    row("ATBB", Alphabet::Alnum, 28, 40),
    // Slack, Discord, Teams, Telegram's are by name
    row("xoxb-", Alphabet::Url, 10, 255),
    row("xoxp-", Alphabet::Url, 10, 255),
    row("xoxa-", Alphabet::Url, 10, 255),
    row("xoxr-", Alphabet::Url, 10, 255),
    row("xoxs-", Alphabet::Url, 10, 255),
    row("xoxe-", Alphabet::Url, 10, 255),
    row("xoxe.", Alphabet::Url, 10, 255),
    row("xoxc-", Alphabet::Url, 10, 255),
    row("xoxd-", Alphabet::Url, 10, ANY),
    row("xapp-", Alphabet::Url, 10, 255),
    row("hooks.slack.com/services/", Alphabet::Path, 20, 128),
    row("hooks.slack.com/workflows/", Alphabet::Path, 20, 128),
    row("discord.com/api/webhooks/", Alphabet::Path, 40, 160),
    row("discordapp.com/api/webhooks/", Alphabet::Path, 40, 160),
    row("webhook.office.com/webhookb2/", Alphabet::Path, 40, 400),
    row("api.telegram.org/bot", Alphabet::Path, 40, 60),
    // payment
    row("sk_live_", Alphabet::Alnum, 10, 255),
    row("sk_test_", Alphabet::Alnum, 10, 255),
    row("rk_live_", Alphabet::Alnum, 10, 255),
    row("rk_test_", Alphabet::Alnum, 10, 255),
    row("whsec_", Alphabet::Alnum, 20, 255),
    row("sq0atp-", Alphabet::Url, 20, 64),
    row("sq0csp-", Alphabet::Url, 40, 64),
    row("shpat_", Alphabet::Alnum, 32, 64),
    row("shpss_", Alphabet::Alnum, 32, 64),
    row("shpca_", Alphabet::Alnum, 32, 64),
    row("shppa_", Alphabet::Alnum, 32, 64),
    row("access_token$production$", Alphabet::Url, 20, 128),
    // Google, Azure
    row("AIza", Alphabet::Url, 35, 35),
    row("ya29.", Alphabet::Url, 20, ANY),
    row("GOCSPX-", Alphabet::Url, 28, 28),
    row("1//0", Alphabet::Url, 35, 255),
    // models
    row("sk-", Alphabet::Opaque, 20, 255),
    row("hf_", Alphabet::Alnum, 30, 64),
    row("r8_", Alphabet::Alnum, 37, 40),
    row("gsk_", Alphabet::Alnum, 40, 64),
    row("xai-", Alphabet::Alnum, 60, 128),
    row("pplx-", Alphabet::Alnum, 40, 64),
    // packages
    row("npm_", Alphabet::Alnum, 30, 64),
    row("pypi-", Alphabet::Url, 40, ANY),
    row("rubygems_", Alphabet::Alnum, 40, 64),
    row("cio", Alphabet::Alnum, 32, 32),
    row("dckr_pat_", Alphabet::Url, 20, 64),
    row("oy2", Alphabet::Alnum, 43, 43),
    // hosting and operation
    row("SG.", Alphabet::Dotted, 60, 80),
    row("key-", Alphabet::LowerHex, 32, 32),
    row("SK0", Alphabet::LowerHex, 31, 31),
    row("SK1", Alphabet::LowerHex, 31, 31),
    row("SK2", Alphabet::LowerHex, 31, 31),
    row("SK3", Alphabet::LowerHex, 31, 31),
    row("SK4", Alphabet::LowerHex, 31, 31),
    row("SK5", Alphabet::LowerHex, 31, 31),
    row("SK6", Alphabet::LowerHex, 31, 31),
    row("SK7", Alphabet::LowerHex, 31, 31),
    row("SK8", Alphabet::LowerHex, 31, 31),
    row("SK9", Alphabet::LowerHex, 31, 31),
    row("SKa", Alphabet::LowerHex, 31, 31),
    row("SKb", Alphabet::LowerHex, 31, 31),
    row("SKc", Alphabet::LowerHex, 31, 31),
    row("SKd", Alphabet::LowerHex, 31, 31),
    row("SKe", Alphabet::LowerHex, 31, 31),
    row("SKf", Alphabet::LowerHex, 31, 31),
    row("hvs.", Alphabet::Url, 20, ANY),
    row("hvb.", Alphabet::Url, 20, ANY),
    row("hvr.", Alphabet::Url, 20, ANY),
    row("dop_v1_", Alphabet::LowerHex, 64, 64),
    row("doo_v1_", Alphabet::LowerHex, 64, 64),
    row("dor_v1_", Alphabet::LowerHex, 64, 64),
    row("dp.pt.", Alphabet::Alnum, 40, 64),
    row("dp.st.", Alphabet::Dotted, 40, 80),
    row("dapi", Alphabet::LowerHex, 32, 32),
    row("glsa_", Alphabet::Url, 32, 64),
    row("glc_", Alphabet::Url, 32, ANY),
    row("pylf_v1_", Alphabet::Url, 20, 128),
    row("pylf_v2_", Alphabet::Url, 20, 128),
    row("NRAK-", Alphabet::Upper, 27, 27),
    row("lin_api_", Alphabet::Alnum, 32, 64),
    row("ntn_", Alphabet::Alnum, 40, 64),
    row("PMAK-", Alphabet::Url, 50, 64),
    row("pul-", Alphabet::LowerHex, 40, 40),
    row("tskey-", Alphabet::Url, 20, 128),
    row("sbp_", Alphabet::LowerHex, 40, 40),
    row("sb_secret_", Alphabet::Url, 20, 64),
    row("nfp_", Alphabet::Alnum, 36, 40),
    row("fo1_", Alphabet::Url, 40, 64),
    row("HRKU-", Alphabet::Url, 36, 80),
    row("sntrys_", Alphabet::Base64, 60, ANY),
    row("sntryu_", Alphabet::LowerHex, 64, 64),
    row("figd_", Alphabet::Url, 40, 64),
    row("LTAI", Alphabet::Alnum, 12, 24),
    row("pscale_tkn_", Alphabet::Dotted, 32, 64),
    row("pscale_pw_", Alphabet::Dotted, 32, 64),
    row("dt0c01.", Alphabet::Dotted, 80, 96),
    row("CCIPAT_", Alphabet::Url, 40, 80),
    row("bkua_", Alphabet::LowerHex, 40, 40),
    row("xkeysib-", Alphabet::Url, 60, 90),
    row("AGE-SECRET-KEY-1", Alphabet::Upper, 58, 58),
    row("AKCp", Alphabet::Alnum, 60, 80),
    row("EAACEdEose0cBA", Alphabet::Alnum, 10, 255),
    row("ops_eyJ", Alphabet::Url, 200, ANY),
    row("squ_", Alphabet::LowerHex, 40, 40),
    row("sqp_", Alphabet::LowerHex, 40, 40),
    row("sqa_", Alphabet::LowerHex, 40, 40),
    row("dp.ct.", Alphabet::Alnum, 40, 64),
    row("dp.scim.", Alphabet::Alnum, 40, 64),
    row("dp.sa.", Alphabet::Alnum, 40, 64),
    row("GR1348941", Alphabet::Url, 20, 20),
    row("glagent-", Alphabet::Dotted, 20, 255),
    row("gloas-", Alphabet::Dotted, 20, 255),
    row("glimt-", Alphabet::Dotted, 20, 255),
    row("glft-", Alphabet::Dotted, 20, 255),
    row("EAAA", Alphabet::Url, 56, 64),
    row("CFPAT-", Alphabet::Url, 40, 64),
    row("pcsk_", Alphabet::Url, 50, 90),
    row("lsv2_pt_", Alphabet::Url, 32, 64),
    row("lsv2_sk_", Alphabet::Url, 32, 64),
    row("tvly-", Alphabet::Opaque, 24, 64),
    row("fm2_", Alphabet::Base64, 60, ANY),
    row("rnd_", Alphabet::Alnum, 28, 40),
    row("xsmtpsib-", Alphabet::Url, 60, 90),
    row("sdk-", Alphabet::Uuid, 36, 36),
    row("sk.eyJ", Alphabet::Dotted, 60, 255),
    row("sha256~", Alphabet::Url, 43, 43),
    row("ABSK", Alphabet::Base64, 80, 140),
    row("IQoJb3JpZ2lu", Alphabet::Base64, 100, ANY),
    row("FwoGZXIvYXdz", Alphabet::Base64, 100, ANY),
    row("secret_", Alphabet::Alnum, 43, 43),
    row("live_", Alphabet::Opaque, 38, 64),
    // Hashes of passwords: who reads them may guess on.
    row("$2a$", Alphabet::Crypt, 56, 56),
    row("$2b$", Alphabet::Crypt, 56, 56),
    row("$2y$", Alphabet::Crypt, 56, 56),
    row("$argon2", Alphabet::Crypt, 50, 255),
    row("$apr1$", Alphabet::Crypt, 24, 40),
    row("$scrypt$", Alphabet::Crypt, 40, 255),
    row("$pbkdf2", Alphabet::Crypt, 40, 255),
    row("$6$", Alphabet::Crypt, 88, 128),
    row("$5$", Alphabet::Crypt, 45, 80),
    row("$y$", Alphabet::Crypt, 60, 128),
    row("{SSHA}", Alphabet::Base64, 32, 48),
    // A private key in PEM, once more in base64, by the label in its header.
    row("LS0tLS1CRUdJTiBQUklWQVRF", Alphabet::Base64, 16, ANY),
    row("LS0tLS1CRUdJTiBSU0EgUFJJVkFUR", Alphabet::Base64, 16, ANY),
    row("LS0tLS1CRUdJTiBFQyBQUklWQVRF", Alphabet::Base64, 16, ANY),
    row("LS0tLS1CRUdJTiBEU0EgUFJJVkFUR", Alphabet::Base64, 16, ANY),
    row(
        "LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVE",
        Alphabet::Base64,
        16,
        ANY,
    ),
    row(
        "LS0tLS1CRUdJTiBFTkNSWVBURUQgUFJJVkFUR",
        Alphabet::Base64,
        16,
        ANY,
    ),
    row("LS0tLS1CRUdJTiBQR1AgUFJJVkFUR", Alphabet::Base64, 16, ANY),
];

pub(crate) static VENDORS: Scanner = Scanner {
    rule: Rule::Token,
    literals: &PREFIXES,
    is_exact: true,
    find: |cx, hit| {
        let vendor = TABLE.get(usize::from(hit.which));
        vendor.map_or(Seen::Nothing, |vendor| {
            let runs = cx.runs.get_or_insert_default();
            scan(cx.text, runs, vendor, hit.start, hit.end)
        })
    },
    samples: Some(&SAMPLES),
};

pub(crate) static INFIXES: Scanner = Scanner {
    rule: Rule::Token,
    literals: &MIDDLES,
    is_exact: true,
    find: |cx, hit| {
        let form = FORMS.get(usize::from(hit.which));
        form.map_or(Seen::Nothing, |form| {
            scan_infix(cx.text, form, hit.start, hit.end)
        })
    },
    samples: None,
};

const MIDDLES: [&str; FORMS.len()] = {
    let mut middles = [""; FORMS.len()];
    let mut at = 0;
    while at < FORMS.len() {
        middles[at] = FORMS[at].infix;
        at += 1;
    }
    middles
};

const PREFIXES: [&str; TABLE.len()] = {
    let mut prefixes = [""; TABLE.len()];
    let mut at = 0;
    while at < TABLE.len() {
        prefixes[at] = TABLE[at].prefix;
        at += 1;
    }
    prefixes
};

const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        ("id AKIAIOSFODNN7EXAMPLE used", "id [REDACTED:token] used"),
        (
            "push by ghp_0123456789abcdefghijABCDEFGHIJ012345.",
            "push by [REDACTED:token].",
        ),
        ("glpat-0123456789abcdefABCD", "[REDACTED:token]"),
        (
            "POST https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnop 200",
            "POST https://hooks.slack.com/services/[REDACTED:token] 200",
        ),
        (
            "stripe sk_live_0123456789abcdefABCD failed",
            "stripe [REDACTED:token] failed",
        ),
        (
            "AIzaSyA0123456789abcdefghijABCDEFGHIJ01",
            "[REDACTED:token]",
        ),
        (
            "using sk-proj-0123456789abcdefABCD_xyz",
            "using [REDACTED:token]",
        ),
        (
            r"\nnpm_0123456789abcdefghijABCDEFGHIJ012345",
            r"\n[REDACTED:token]",
        ),
        (
            "bot 123456789:AAF0123456789abcdefghijABCDEFGHIJ_ polls",
            "bot [REDACTED:token] polls",
        ),
        (
            "intent pi_3MtwBwLkdIwHu7ix28a3_secret_YrKJUKribcBjcG8HVhfZluoGH paid",
            "intent [REDACTED:token] paid",
        ),
        (
            "app 1a28Q~0123456789abcdefghijABCDEFGHIJ01 stale",
            "app [REDACTED:token] stale",
        ),
        (
            "sonar squ_0123456789abcdef0123456789abcdef01234567 ok",
            "sonar [REDACTED:token] ok",
        ),
        (
            "root:$2b$12$0123456789abcdefghijuABCDEFGHIJKLMNOPQRSTUVWXYZ012345:0",
            "root:[REDACTED:token]:0",
        ),
        (
            "K=LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUV2UQ==",
            "K=[REDACTED:token]",
        ),
    ],
    kept: &[
        "AKIA",
        "pk_live_0123456789abcdefABCD",
        "sk-SK locale",
        "task-sk-runner-for-the-long-names",
        "npm_config_registry",
        "ghp_short",
        "hf_transformers",
        "disk-0123456789abcdef0123456789abcdef",
        "key-value store",
        "SKU 12345",
        "sk-this-is-a-long-kebab-case-word",
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUR2UQ==",
        "sdk-0123456789abcdef",
        "db_secret_rotation is due",
        "at 12:34:AA",
        "squ_rename_columns",
        "$2b$ is bcrypt",
        "live_reload_of_the_whole_application_is_on",
    ],
};
