//! One walk through nested values, whoever holds them: names decide first, then every text is looked at, names too.
//!
//! A [`Tree`] says what its values are; a [`Visit`] says what is done with those that go, and with the texts. Cleaning a
//! `serde_json` value, reporting what is in one, and cleaning the relay's records are three visits of this walk.
//!
//! Each value is seen once, and what its names say is asked once for each list and map: the walk costs by the size of
//! the tree, whatever stands in it.

use crate::named::key::{KeyClass, Keys, Scalar};
use crate::named::{place, sibling};
use crate::rule_names::Place;

/// Below this depth nothing is looked at: a walk must end.
const MAX_DEPTH: usize = 64;

/// A nested value. [`Node`] says what it is; lists and maps hand out what is in them.
pub trait Tree {
    /// A member's name: changeable where the tree allows it.
    type Name<'n>: AsRef<str>
    where
        Self: 'n;

    /// What this value is.
    fn node(&self) -> Node<'_>;

    /// What the items of a list are; nothing for anything else.
    fn items(&self) -> impl Iterator<Item = Node<'_>>;

    /// What the members of a map are, with their names; nothing for anything else.
    fn members(&self) -> impl Iterator<Item = (&str, Node<'_>)>;

    /// Hands each item of a list to `see`, in order.
    fn each_item(&mut self, see: impl FnMut(&mut Self));

    /// Hands each member of a map to `see`, in order.
    fn each_member(&mut self, see: impl FnMut(Self::Name<'_>, &mut Self));
}

/// What a value of a tree is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Node<'n> {
    /// A null, a boolean or a number; [`Scalar::Text`] for what is kept as it was written, as a number that no type holds.
    Scalar(Scalar),
    /// A text.
    Text(&'n str),
    /// A list.
    List,
    /// A map.
    Map,
}

/// What a name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The value goes, unless it is of a kind that never does: a boolean, a count.
    pub is_secret: bool,
    /// Where the value stands.
    pub place: Place,
}

/// One step down a tree.
#[derive(Debug)]
pub enum Step<N> {
    /// To the item at this index.
    Item(usize),
    /// To the member of this name.
    Member(N),
}

/// What is done with what a walk comes by.
pub trait Visit<T: Tree> {
    /// What `name` says, by `ask`; for visits that remember what they were told. Asked once for each member, just before
    /// the walk enters it.
    fn named(
        &mut self,
        place: Place,
        name: &T::Name<'_>,
        ask: impl FnOnce(&str) -> Named,
    ) -> Named {
        let _ = place;
        ask(name.as_ref())
    }

    /// The walk goes down to an item, or to a member of a map in `place`.
    fn enter(&mut self, place: Place, step: Step<T::Name<'_>>) {
        let _ = (place, step);
    }

    /// The walk is back.
    fn leave(&mut self) {}

    /// A text or a number, which has to be looked at.
    fn leaf(&mut self, place: Place, value: &mut T);

    /// A value that goes as a whole, because of a name.
    fn whole(&mut self, place: Place, value: &mut T);

    /// A list or a map too deep to be looked at.
    fn too_deep(&mut self, place: Place, value: &mut T);

    /// A map whose members were all seen.
    fn seen(&mut self, place: Place, map: &mut T) {
        let _ = (place, map);
    }
}

/// Walks through `value`, which stands in `place`.
pub(crate) fn walk<T: Tree, V: Visit<T>>(keys: &Keys, place: Place, value: &mut T, visit: &mut V) {
    Walk { keys, visit }.value(place, value, 0);
}

/// Walks through `value`, which `name` names in a map in `place`.
pub(crate) fn walk_member<T: Tree, V: Visit<T>>(
    keys: &Keys,
    place: Place,
    name: T::Name<'_>,
    value: &mut T,
    visit: &mut V,
) {
    Walk { keys, visit }.member(place, name, value, false, 0);
}

struct Walk<'w, V> {
    keys: &'w Keys,
    visit: &'w mut V,
}

impl<V> Walk<'_, V> {
    fn value<T: Tree>(&mut self, place: Place, value: &mut T, depth: usize)
    where
        V: Visit<T>,
    {
        match value.node() {
            Node::Scalar(Scalar::Null | Scalar::Bool) => {}
            Node::Scalar(_) | Node::Text(_) => self.visit.leaf(place, value),
            Node::List | Node::Map if depth >= MAX_DEPTH => self.visit.too_deep(place, value),
            Node::List => self.items(place, value, depth),
            Node::Map => {
                let is_named = sibling::names_its_value(self.keys, || texts(value.members()));
                value.each_member(|name, value| self.member(place, name, value, is_named, depth));
                self.visit.seen(place, value);
            }
        }
    }

    fn items<T: Tree>(&mut self, place: Place, list: &mut T, depth: usize)
    where
        V: Visit<T>,
    {
        let named = sibling::named_items(self.keys, || list.items().map(text));
        let mut named = named.into_iter().peekable();
        let mut index = 0;
        list.each_item(|item| {
            self.visit.enter(place, Step::Item(index));
            match named.next_if_eq(&index) {
                Some(_) => self.visit.whole(place, item),
                None => self.value(place, item, depth + 1),
            }
            self.visit.leave();
            index += 1;
        });
    }

    /// One member of a map; `is_named` when another one calls the value beside it by a secret name.
    fn member<T: Tree>(
        &mut self,
        place: Place,
        name: T::Name<'_>,
        value: &mut T,
        is_named: bool,
        depth: usize,
    ) where
        V: Visit<T>,
    {
        let keys = self.keys;
        let named = self.visit.named(place, &name, |name| Named {
            is_secret: keys.class(name).0 == KeyClass::Secret,
            place: place::place_of(place, name),
        });
        let is_named = is_named
            && sibling::holds_value(name.as_ref())
            && !matches!(value.node(), Node::Scalar(Scalar::Null | Scalar::Bool));
        let goes = is_named || named.is_secret && keys.redacts(name.as_ref(), scalar(value));
        self.visit.enter(place, Step::Member(name));
        if goes {
            self.visit.whole(place, value);
        } else {
            self.value(named.place, value, depth + 1);
        }
        self.visit.leave();
    }
}

/// What a value is to the rule for its name.
fn scalar<T: Tree>(value: &T) -> Scalar {
    match value.node() {
        Node::Scalar(scalar) => scalar,
        // `"tokens": {"input": 12, "output": 31}`, `"tokens": [101, 2054]`: as good as one number.
        Node::List if are_numbers(value.items()) => Scalar::Integer(0),
        Node::Map if are_numbers(value.members().map(|(_, value)| value)) => Scalar::Integer(0),
        Node::Text(_) | Node::List | Node::Map => Scalar::Text,
    }
}

/// Are these all small numbers, and at least one?
fn are_numbers<'n>(nodes: impl Iterator<Item = Node<'n>>) -> bool {
    const MAX_NUMBER: i128 = 99_999_999;
    let mut nodes = nodes.peekable();
    nodes.peek().is_some()
        && nodes.all(|node| {
            matches!(
                node,
                Node::Scalar(Scalar::Integer(0..=MAX_NUMBER) | Scalar::Float(_))
            )
        })
}

fn text(node: Node<'_>) -> Option<&str> {
    match node {
        Node::Text(text) => Some(text),
        Node::Scalar(_) | Node::List | Node::Map => None,
    }
}

fn texts<'n>(
    members: impl Iterator<Item = (&'n str, Node<'n>)>,
) -> impl Iterator<Item = (&'n str, Option<&'n str>)> {
    members.map(|(name, value)| (name, text(value)))
}
