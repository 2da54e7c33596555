//! What opens something that is never closed, behind each sort of name.

use crate::policy::compiled::Compiled;
use crate::policy::settings::Policy;
use crate::rule_names::Place;
use crate::scan::find as scan;
use crate::text::Steps;

/// What opens something that is never closed, behind a name and by itself.
#[rustfmt::skip]
const OPENINGS: &[&str] = &[
    "\"", "'", "`", "\\\"", "\"\"", "''x", "\"\"\"", "'''", "(", "[", "{", "<", "X(", "X { ", "(\"", "[]string{\"",
    "<![CDATA[", "<![CDATA[]", "</", "&", "&lt;", "&amp;", "\\u003c", "|-\n", "|\n  ", ">\n ", "\n", "\n  ", "\n- ",
    "\n  x: ", "\n  name: ", "# x\n", "a'", "a\"", "a'b", "a)b", "a>b", "a,", "a,b", "a;b", "a; ", "a b;", "a b; x", "a&",
    "a%", "%2526", "a=\"b", "a=b; ", "a=\"b\"; ", "x=y ", "Digest a=\"b\", ", "Bearer ", "Basic ", "\"a\" -> ", "a -> ",
    "<<\"", "$a$", "'a'\\''", "'a'\"b\"", "] => a ", "a [", "a:b ", "{a:b ", " ", "\t",
];
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "", "password=", "password: ", "password:", "\"password\":", "password='", "\"\"token\"\":", "{token:", "{password,",
    "Cookie: ", "Authorization: ", "X-Api-Key: ", "<password>", "&lt;password&gt;", "<a name=\"token\">", "--password ",
    "password%3D", ";Password=", "(a=b, secret=", "PASSWORD ", "IDENTIFIED BY ", "identified with x ", "[password] => ",
    "secrets:", "[secrets]", "AUTH ", "PASS ", "334 ", "auth login", "a1 LOGIN ", "a1 LOGIN {7}\n", "set auth 0 ",
    "setuser a >", "AUTH\r\n$7\r\n", "convertto-securestring ", "curl -u ", "curl -u", "/home/", "\"C:\\Users\\",
    "authenticate x\n", "\n[secrets]\na = ", "- password:", "\"a\" -> ", "{\"password\", ",
];
const BYTES: usize = 8 * 1024;
/// What a text may take.
const MOST_A_BYTE: usize = 256;

#[test]
fn a_text_of_nothing_but_openings_costs_so_many_steps_a_byte_and_no_more() {
    let rules = Compiled::of(&Policy::new());
    let mut spans = Vec::new();
    let mut dear = Vec::new();
    for name in NAMES {
        for opening in OPENINGS {
            let pair = format!("{name}{opening}");
            let many = format!("{}{name}", opening.repeat(64));
            for text in [
                pair.repeat(BYTES / pair.len()),
                format!("{name}{}", opening.repeat(BYTES / opening.len())),
                many.repeat(BYTES / many.len()),
            ] {
                let all = Steps::of(text.len());
                let mut steps = all;
                scan::find(&rules, Place::Message, &text, &mut steps, &mut spans);
                let a_byte = steps.taken(all) / text.len();
                if a_byte > MOST_A_BYTE {
                    let head: String = text.chars().take(80).collect();
                    dear.push(format!("{a_byte} for {head:?}"));
                }
            }
        }
    }
    assert!(dear.is_empty(), "{}\n{}", dear.len(), dear.join("\n"));
}
