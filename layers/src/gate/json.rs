//! [`json`]: a nested value through `tracing`, which knows none.

use std::cell::RefCell;
use std::fmt;

use serde::Serialize;
use serde_json::Value as Tree;

use super::tree;

/// Logs a value with its structure: `info!(retry = ?json(&retry), "upload failed")`.
///
/// Behind a gate the record carries the nested value, its keys and strings cleaned like any others. Anywhere else
/// (and for layers that know only text) it is the value's JSON. A value that can't be serialized is the text of the
/// serializer's error; one that is nested deeper than 64 levels or takes more than 64 KiB ends in `…[truncated]`.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Json<'_, T> {
    Json(value)
}

/// See [`json`].
pub struct Json<'a, T: ?Sized>(&'a T);

impl<T: Serialize + ?Sized> fmt::Debug for Json<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match tree::of(self.0) {
            Ok(tree) => {
                let text = tree.to_string();
                f.write_str(&text)?;
                hand_over(tree, text.len());
                Ok(())
            }
            Err(error) => write!(f, "[not serializable: {error}]"),
        }
    }
}

impl<T: Serialize + ?Sized> fmt::Display for Json<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

thread_local! {
    /// `None` outside of [`render`]; within, the last tree handed over and the length of its text.
    static HANDED: RefCell<Option<Option<(Tree, usize)>>> = const { RefCell::new(None) };
}

fn hand_over(tree: Tree, text_len: usize) {
    let _ = HANDED.try_with(|handed| {
        if let Ok(mut handed) = handed.try_borrow_mut()
            && let Some(handed) = handed.as_mut()
        {
            *handed = Some((tree, text_len));
        }
    });
}

/// Runs `write`, which renders one value and returns how many bytes it wrote, and gives the tree if the whole value
/// was one [`Json`].
pub(super) fn render(write: impl FnOnce() -> usize) -> Option<Tree> {
    let swap = |new| {
        HANDED
            .try_with(|handed| {
                handed
                    .try_borrow_mut()
                    .ok()
                    .and_then(|mut cell| std::mem::replace(&mut *cell, new))
            })
            .ok()
            .flatten()
    };
    let outer = swap(Some(None));
    let written = write();
    let (tree, text_len) = swap(outer).flatten()?;
    (written == text_len).then_some(tree)
}
