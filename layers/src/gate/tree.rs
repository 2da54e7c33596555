//! A program's value as a JSON tree, of bounded depth and size.
//!
//! It makes what `serde_json::to_value` makes, but stops: what lies deeper than [`MAX_DEPTH`] is left out, and past
//! [`MAX_BYTES`] the value is asked for no more. What was there before stays, and `…[truncated]` says so.

use std::fmt;

use crate::cut::TRUNCATED;
use serde::Serialize;
use serde::ser::{self, Serializer};
use serde_json::{Map, Value as Tree};

/// How deep a value may be nested.
const MAX_DEPTH: usize = 64;
/// What a tree may take, about: its text, and [`VALUE_BYTES`] for each value. As much as the largest record.
const MAX_BYTES: usize = 64 * 1024;
/// What a value counts besides its text.
const VALUE_BYTES: usize = 8;
/// serde_json's own types pass their text through `serialize_struct` under such a name.
const PRIVATE: &str = "$serde_json::private::";

/// The tree of `value`. The error is the one of its own `Serialize`.
pub(super) fn of<T: Serialize + ?Sized>(value: &T) -> Result<Tree, Stop> {
    let mut builder = Builder {
        open: vec![Open::List(Vec::new())],
        depth: 0,
        left: MAX_BYTES,
    };
    match value.serialize(&mut builder) {
        Ok(()) | Err(Stop::Full) => Ok(builder.finish()),
        Err(stop) => Err(stop),
    }
}

/// Why a value is not gone through to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is as large as it may be.
    Full,
    /// It can't be serialized.
    Failed(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("it is too large"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self::Failed(why.to_string())
    }
}

/// A list or object that is being filled.
enum Open {
    List(Vec<Tree>),
    Object(Map<String, Tree>, Option<String>),
}

struct Builder {
    open: Vec<Open>,
    depth: usize,
    left: usize,
}

impl Builder {
    fn take(&mut self, text_bytes: usize) -> Result<(), Stop> {
        self.left = self
            .left
            .checked_sub(VALUE_BYTES + text_bytes)
            .ok_or(Stop::Full)?;
        Ok(())
    }

    fn put(&mut self, tree: Tree) {
        match self.open.last_mut() {
            Some(Open::List(list)) => list.push(tree),
            Some(Open::Object(members, key)) => {
                members.insert(key.take().unwrap_or_default(), tree);
            }
            None => {}
        }
    }

    fn push(&mut self, tree: Tree) -> Result<(), Stop> {
        self.take(0)?;
        self.put(tree);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Stop> {
        if let Err(full) = self.take(text.len()) {
            let cut = crate::cut::char_floor(text, self.left);
            let head = text.get(..cut).unwrap_or_default();
            self.put(Tree::String(format!("{head}{TRUNCATED}")));
            self.left = 0;
            return Err(full);
        }
        self.put(Tree::String(text.to_owned()));
        Ok(())
    }

    fn key(&mut self, name: &str) -> Result<(), Stop> {
        self.take(name.len())?;
        if let Some(Open::Object(_, key)) = self.open.last_mut() {
            *key = Some(name.to_owned());
        }
        Ok(())
    }

    /// Opens a list or object; false where it would be too deep, and is left out.
    fn enter(&mut self, open: Open) -> Result<bool, Stop> {
        self.take(0)?;
        if self.depth >= MAX_DEPTH {
            self.put(Tree::String(TRUNCATED.to_owned()));
            return Ok(false);
        }
        self.depth += 1;
        self.open.push(open);
        Ok(true)
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        match self.open.pop() {
            Some(Open::List(list)) => self.put(Tree::Array(list)),
            Some(Open::Object(members, _)) => self.put(Tree::Object(members)),
            None => {}
        }
    }

    /// Goes on in a value that only wraps another.
    fn wrapped<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        if self.depth >= MAX_DEPTH {
            return self.text(TRUNCATED);
        }
        self.depth += 1;
        let result = value.serialize(&mut *self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    fn finish(mut self) -> Tree {
        // Open ones are left where the value was too large: the innermost says so.
        if self.open.len() > 1 {
            match self.open.last_mut() {
                Some(Open::List(list)) => list.push(TRUNCATED.into()),
                Some(Open::Object(members, key)) => {
                    let key = key.take().unwrap_or_else(|| "…".to_owned());
                    members.insert(key, TRUNCATED.into());
                }
                None => {}
            }
        }
        while self.open.len() > 1 {
            self.leave();
        }
        match self.open.pop() {
            Some(Open::List(mut list)) => list.pop().unwrap_or_else(|| TRUNCATED.into()),
            _ => Tree::Null,
        }
    }
}

/// A list or object of the program's, while it is handed over.
pub(super) struct Compound<'b> {
    builder: &'b mut Builder,
    /// How many lists and objects it has opened; 0 where it is left out.
    opened: usize,
    /// It is one of serde_json's own types, and this its text.
    is_private: bool,
}

impl Compound<'_> {
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        if self.opened == 0 && !self.is_private {
            return self.builder.take(0);
        }
        value.serialize(&mut *self.builder)
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Stop> {
        if self.is_private {
            let text = of(value)?;
            let text = text.as_str().unwrap_or_default();
            let tree = serde_json::from_str(text).unwrap_or_else(|_| text.into());
            self.builder.take(text.len())?;
            self.builder.put(tree);
            return Ok(());
        }
        if self.opened > 0 {
            self.builder.key(name)?;
        }
        self.value(value)
    }

    fn close(self) -> Result<(), Stop> {
        for _ in 0..self.opened {
            self.builder.leave();
        }
        Ok(())
    }
}

impl<'b> Builder {
    fn list(&'b mut self) -> Result<Compound<'b>, Stop> {
        let opened = usize::from(self.enter(Open::List(Vec::new()))?);
        Ok(Compound {
            builder: self,
            opened,
            is_private: false,
        })
    }

    fn object(&'b mut self) -> Result<Compound<'b>, Stop> {
        let opened = usize::from(self.enter(Open::Object(Map::new(), None))?);
        Ok(Compound {
            builder: self,
            opened,
            is_private: false,
        })
    }

    /// The content of an enum's variant: `{"Variant": …}`.
    fn variant(&'b mut self, name: &str, inner: Open) -> Result<Compound<'b>, Stop> {
        let mut opened = 0;
        if self.enter(Open::Object(Map::new(), None))? {
            opened = 1;
            self.key(name)?;
            opened += usize::from(self.enter(inner)?);
        }
        // One that was opened for its name alone takes nothing more.
        if opened == 1 {
            self.leave();
            opened = 0;
        }
        Ok(Compound {
            builder: self,
            opened,
            is_private: false,
        })
    }
}

/// `serialize_…` of the types that become one JSON value by themselves.
macro_rules! leaves {
    ($($name:ident: $type:ty),*) => {
        $(fn $name(self, value: $type) -> Result<(), Stop> {
            self.push(Tree::from(value))
        })*
    };
}

impl<'b> Serializer for &'b mut Builder {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Compound<'b>;
    type SerializeTuple = Compound<'b>;
    type SerializeTupleStruct = Compound<'b>;
    type SerializeTupleVariant = Compound<'b>;
    type SerializeMap = Compound<'b>;
    type SerializeStruct = Compound<'b>;
    type SerializeStructVariant = Compound<'b>;

    leaves! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
        serialize_f64: f64
    }

    /// A number that JSON's readers would round is its digits, as elsewhere in a record.
    fn serialize_i128(self, value: i128) -> Result<(), Stop> {
        match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), _) => self.push(value.into()),
            (_, Ok(value)) => self.push(value.into()),
            _ => self.text(&value.to_string()),
        }
    }

    fn serialize_u128(self, value: u128) -> Result<(), Stop> {
        match u64::try_from(value) {
            Ok(value) => self.push(value.into()),
            Err(_) => self.text(&value.to_string()),
        }
    }

    fn serialize_char(self, value: char) -> Result<(), Stop> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Stop> {
        self.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Stop> {
        let mut list = self.list()?;
        for byte in value {
            list.value(byte)?;
        }
        list.close()
    }

    fn serialize_none(self) -> Result<(), Stop> {
        self.push(Tree::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        self.wrapped(value)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        self.push(Tree::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Stop> {
        self.push(Tree::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Stop> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.wrapped(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        let mut object = self.object()?;
        object.member(variant, value)?;
        object.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'b>, Stop> {
        self.list()
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'b>, Stop> {
        self.list()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'b>, Stop> {
        self.list()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'b>, Stop> {
        self.variant(variant, Open::List(Vec::new()))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'b>, Stop> {
        self.object()
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Compound<'b>, Stop> {
        if name.starts_with(PRIVATE) {
            return Ok(Compound {
                builder: self,
                opened: 0,
                is_private: true,
            });
        }
        self.object()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'b>, Stop> {
        self.variant(variant, Open::Object(Map::new(), None))
    }
}

impl ser::SerializeSeq for Compound<'_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.value(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.close()
    }
}

impl ser::SerializeTuple for Compound<'_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.value(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.close()
    }
}

impl ser::SerializeTupleStruct for Compound<'_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.value(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.close()
    }
}

impl ser::SerializeTupleVariant for Compound<'_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.value(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.close()
    }
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        if self.opened == 0 {
            return Ok(());
        }
        let name = match of(key)? {
            Tree::String(name) => name,
            name @ (Tree::Number(_) | Tree::Bool(_)) => name.to_string(),
            _ => return Err(Stop::Failed("key must be a string".to_owned())),
        };
        self.builder.key(&name)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.value(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.close()
    }
}

impl ser::SerializeStruct for Compound<'_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), Stop> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Compound<'_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), Stop> {
        self.close()
    }
}
