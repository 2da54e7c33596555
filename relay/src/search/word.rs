//! The words of a query, each with its place.

use winnow::ascii::multispace0;
use winnow::combinator::{
    alt, cut_err, delimited, eof, not, opt, peek, preceded, repeat, terminated,
};
use winnow::error::{ContextError, ErrMode};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location};
use winnow::token::{any, none_of, one_of, take_while};

/// A word, and the bytes of the query that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Where it begins, in bytes.
    pub at: usize,
    /// Where it ends.
    pub end: usize,
    /// What it is.
    pub what: What,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `-` right before a word.
    Minus,
    /// `OR`
    Or,
    /// `key:value` or `@key:value`; where the value begins.
    Pair {
        is_attribute: bool,
        key: String,
        value: Value,
        value_at: usize,
    },
    /// Text.
    Text(Value),
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Without quotes.
    pub text: String,
    /// Whether it was quoted: `*` and `>` are letters then.
    pub is_quoted: bool,
    /// Whether a `*` stands right behind it.
    pub has_star: bool,
}

type Input<'i> = LocatingSlice<&'i str>;
type Read<T> = Result<T, ErrMode<ContextError>>;

/// The words of a query, and behind them where a quote begins that nothing ends.
pub fn words(query: &str) -> (Vec<Word>, Option<usize>) {
    let mut input = LocatingSlice::new(query);
    let mut words = Vec::new();
    loop {
        let _: Read<&str> = multispace0.parse_next(&mut input);
        if input.is_empty() {
            return (words, None);
        }
        let at = input.current_token_start();
        match word.with_span().parse_next(&mut input) {
            Ok((what, span)) => words.push(Word {
                at: span.start,
                end: span.end,
                what,
            }),
            Err(_) => return (words, Some(at)),
        }
    }
}

fn word(input: &mut Input<'_>) -> Read<What> {
    alt((
        '('.value(What::Open),
        ')'.value(What::Close),
        terminated(
            '-',
            not(alt((eof.void(), one_of(char::is_whitespace).void()))),
        )
        .value(What::Minus),
        terminated("OR", end_of_word).value(What::Or),
        pair,
        value.map(What::Text),
    ))
    .parse_next(input)
}

/// A look at what comes: nothing, a space or a parenthesis.
fn end_of_word(input: &mut Input<'_>) -> Read<()> {
    peek(alt((
        eof.void(),
        one_of(|letter: char| letter.is_whitespace() || letter == '(' || letter == ')').void(),
    )))
    .parse_next(input)
}

fn pair(input: &mut Input<'_>) -> Read<What> {
    let is_attribute = opt('@').parse_next(input)?.is_some();
    let key = alt((
        quoted,
        take_while(1.., |letter: char| {
            is_plain(letter) && letter != ':' && letter != '"'
        })
        .map(str::to_owned),
    ))
    .parse_next(input)?;
    ':'.parse_next(input)?;
    let (value, span) = opt(value).with_span().parse_next(input)?;
    Ok(What::Pair {
        is_attribute,
        key,
        value: value.unwrap_or(Value {
            text: String::new(),
            is_quoted: false,
            has_star: false,
        }),
        value_at: span.start,
    })
}

fn value(input: &mut Input<'_>) -> Read<Value> {
    alt((quoted_value, bare_value)).parse_next(input)
}

fn quoted_value(input: &mut Input<'_>) -> Read<Value> {
    let text = quoted.parse_next(input)?;
    let has_star = opt('*').parse_next(input)?.is_some();
    Ok(Value {
        text,
        is_quoted: true,
        has_star,
    })
}

fn bare_value(input: &mut Input<'_>) -> Read<Value> {
    let text = take_while(1.., is_plain).parse_next(input)?;
    let beginning = text
        .strip_suffix('*')
        .filter(|beginning| !beginning.is_empty());
    Ok(Value {
        text: beginning.unwrap_or(text).to_owned(),
        is_quoted: false,
        has_star: beginning.is_some(),
    })
}

/// Text in quotes; `\"` and `\\` are those letters. Once a quote began it must end.
fn quoted(input: &mut Input<'_>) -> Read<String> {
    let letter = alt((preceded('\\', any), none_of(['"', '\\'])));
    let text = repeat(0.., letter).fold(String::new, |mut text, letter| {
        text.push(letter);
        text
    });
    delimited('"', text, cut_err('"')).parse_next(input)
}

fn is_plain(letter: char) -> bool {
    !letter.is_whitespace() && letter != '(' && letter != ')'
}
