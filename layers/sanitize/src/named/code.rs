//! Source code that hands a secret on or declares one, and holds none: `token = request.token`, `get_token()`.

use crate::named::pair::Pair;
use crate::named::secret_words::Sort;
use crate::named::separator::Separator;
use crate::text::list::List;
use crate::text::{Text, ends_with_any_case, is_word};

/// Source code that hands a secret on or declares one: `token = request.token`, `password=password`, `get_token()`,
/// `token: &mut Token`.
pub(crate) fn is_code(text: Text<'_>, pair: Pair, value: &[u8]) -> bool {
    let is_path = |byte: u8| is_word(byte) || matches!(byte, b'.' | b':');
    let name_end = value
        .iter()
        .position(|&byte| !is_path(byte))
        .unwrap_or(value.len());
    let (name, rest) = value.split_at_checked(name_end).unwrap_or((value, b""));
    let Some(first) = name
        .first()
        .filter(|byte| byte.is_ascii_alphabetic() || **byte == b'_')
    else {
        return is_reference(value);
    };
    let is_call = matches!(rest, [b'(' | b'[', inside @ ..] | [b'!', b'(' | b'[', inside @ ..] if !inside.contains(&b'"') && !inside.is_empty())
        && is_closed(rest);
    // `intent.getExtra("t")`: the value ends at the quote.
    let is_method = rest == b"(" && name.contains(&b'.');
    let head = name.split(|&byte| byte == b'.').next().unwrap_or_default();
    let is_field = head.len() < name.len() && OBJECTS.has(head);
    let is_module = name.windows(2).any(|pair| pair == b"::");
    let is_type = TYPES.has(name) || (rest.starts_with(b"<") && first.is_ascii_uppercase());
    // PowerShell: `$password = ConvertTo-SecureString …`, `$creds = Get-Credential`.
    let is_cmdlet =
        text.back(pair.start, 1) == b'$' && CMDLETS.iter().any(|verb| value.starts_with(verb));
    let is_keyword = KEYWORDS.has(value) && text.at(pair.value + value.len()) == b' ';
    is_call
        || is_method
        || is_field
        || is_module
        || is_type
        || is_cmdlet
        || is_keyword
        || is_own_name(text, pair, name, rest)
}

/// A call ends in its bracket or goes on in another (`f(x).y`); behind that of a password stands the rest of it (`ab(c)7`).
fn is_closed(call: &[u8]) -> bool {
    let close = call.iter().rposition(|byte| matches!(byte, b')' | b']'));
    match close.and_then(|close| call.get(close + 1..)) {
        Some([next, ..]) => matches!(next, b'.' | b'?' | b';' | b')' | b']' | b'[' | b'/' | b':'),
        Some([]) | None => true,
    }
}

/// `&mut Token`, `*const u8`, `&[u8]`.
fn is_reference(value: &[u8]) -> bool {
    matches!(value, [b'&' | b'*'] | [b'&', b'[' | b'\'', ..])
        || matches!(value, [b'&' | b'*', word @ ..] if matches!(word, b"mut" | b"const" | b"str" | b"dyn" | b"self"))
}

/// A name in place of a value: `password=password`, `token = Keyword.Type`, `cookie = sCookie`, `secret: SecretKey`.
fn is_own_name(text: Text<'_>, pair: Pair, name: &[u8], rest: &[u8]) -> bool {
    let own = text.slice(pair.start, pair.end);
    if !rest.is_empty() || !matches!(pair.separator, Separator::Equals | Separator::Colon) {
        return false;
    }
    let is_itself = pair.separator == Separator::Equals
        && name.len() > 3
        && own.len() >= name.len()
        && own.ends_with(name);
    let is_token = !matches!(
        pair.sort,
        Some(Sort::Password | Sort::Pass | Sort::Number) | None
    );
    let is_letters = name
        .iter()
        .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'_'));
    let is_constant = name
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
        && name.contains(&b'_');
    let is_dotted = name.contains(&b'.') && name.first().is_some_and(u8::is_ascii_uppercase);
    let is_compared = text.back(pair.value, 1) == b'=' && text.back(pair.value, 2) == b'='
        || text.ends_any_case(pair.value, b"== ");
    let speaks_of_it = [
        "key",
        "token",
        "secret",
        "cookie",
        "credentials",
        "password",
        "auth",
    ]
    .iter()
    .any(|word| {
        name.len() > word.len()
            && name.len() < 40
            && ends_with_any_case(name, word.as_bytes())
            && ends_with_any_case(own, word.as_bytes())
    });
    is_itself
        || (is_token && is_letters && (is_constant || is_dotted || is_compared || speaks_of_it))
}

const CMDLETS: [&[u8]; 6] = [
    b"New-",
    b"Get-",
    b"Read-",
    b"Import-",
    b"ConvertTo-",
    b"ConvertFrom-",
];

/// Types, as a declaration names them.
static TYPES: List = List::new(
    "u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 char int float double long string str \
     bool boolean bytes any void object number varchar text uuid __u32 dict list",
);

static KEYWORDS: List = List::new("new await function lambda async typeof not if mut yield");

/// What code calls the things that hold secrets.
static OBJECTS: List = List::new(
    "self this request req config cfg settings args opts options env os process ctx context params data \
     user event props state credentials form body session client conf res response kwargs app secrets var \
     local module steps github vars cls",
);
