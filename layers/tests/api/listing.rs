//! Reads what a crate offers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use quote::ToTokens as _;
use syn::{Attribute, Fields, ImplItem, Item, TraitItem, UseTree, Visibility};

/// A path of names from the root of the crate.
type Name = Vec<String>;

#[derive(Default)]
struct Module {
    items: Vec<Item>,
    children: BTreeMap<String, bool>,
    /// Names that come from elsewhere, whether they are handed on, and the whole path of each.
    uses: Vec<(String, bool, Name)>,
}

struct Krate {
    modules: BTreeMap<Name, Module>,
}

/// A line for each thing that can be named from outside of the crate that begins with this file.
pub fn listing(root: &Path) -> String {
    let mut krate = Krate {
        modules: BTreeMap::new(),
    };
    let dir = root.parent().expect("it lies in a directory");
    krate.read(Name::new(), root, dir);
    // By module and name where it is defined, the paths by which it can be named.
    let mut reached: BTreeMap<(Name, String), String> = BTreeMap::new();
    let mut lines = BTreeSet::new();
    krate.reach(&Name::new(), "", &mut reached, &mut lines, 0);
    for ((module, name), public) in &reached {
        for item in &krate.modules[module].items {
            if named(item).as_deref() == Some(name) {
                describe(item, public, &mut lines);
            }
        }
    }
    for (module, content) in &krate.modules {
        for item in &content.items {
            if let Item::Impl(item) = item {
                let of = last_name(&item.self_ty.to_token_stream().to_string());
                let Some(public) = krate
                    .defined(module, &of, 0)
                    .and_then(|at| reached.get(&at))
                else {
                    continue;
                };
                describe_impl(item, public, &mut lines);
            }
        }
    }
    lines
        .into_iter()
        .fold(String::new(), |list, line| list + &line + "\n")
}

impl Krate {
    fn read(&mut self, name: Name, file: &Path, dir: &Path) {
        let source =
            std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        let items = syn::parse_file(&source)
            .unwrap_or_else(|error| panic!("{file:?}: {error}"))
            .items;
        self.module(name, dir, items);
    }

    fn module(&mut self, name: Name, dir: &Path, items: Vec<Item>) {
        let mut module = Module::default();
        let mut children = Vec::new();
        for item in items {
            match item {
                Item::Mod(child) if !is_left_out(&child.attrs) => {
                    module
                        .children
                        .insert(child.ident.to_string(), is_public(&child.vis));
                    children.push(child);
                }
                Item::Use(import) if !is_left_out(&import.attrs) => {
                    let mut path = Name::new();
                    uses(
                        &mut module.uses,
                        is_public(&import.vis),
                        &name,
                        &mut path,
                        &import.tree,
                    );
                }
                Item::Mod(_) | Item::Use(_) => {}
                item => module.items.push(item),
            }
        }
        for (_, _, path) in &mut module.uses {
            if path
                .first()
                .is_some_and(|first| module.children.contains_key(first))
            {
                *path = [name.as_slice(), path.as_slice()].concat();
            }
        }
        self.modules.insert(name.clone(), module);
        for child in children {
            let own = child.ident.to_string();
            let child_name = [name.as_slice(), std::slice::from_ref(&own)].concat();
            match child.content {
                Some((_, items)) => self.module(child_name, &dir.join(&own), items),
                None if dir.join(format!("{own}.rs")).exists() => {
                    self.read(child_name, &dir.join(format!("{own}.rs")), &dir.join(&own));
                }
                None => self.read(child_name, &dir.join(&own).join("mod.rs"), &dir.join(&own)),
            }
        }
    }

    /// Notes what can be named from outside in the module, which is called `public` there.
    fn reach(
        &self,
        at: &Name,
        public: &str,
        reached: &mut BTreeMap<(Name, String), String>,
        lines: &mut BTreeSet<String>,
        depth: usize,
    ) {
        let Some(module) = self.modules.get(at).filter(|_| depth < 8) else {
            return;
        };
        let below = |name: &str| match public {
            "" => name.to_owned(),
            public => format!("{public}::{name}"),
        };
        for item in module.items.iter().filter(|item| is_offered(item)) {
            if let Some(name) = named(item) {
                let shown = below(&name);
                reached.entry((at.clone(), name)).or_insert(shown);
            }
        }
        for (child, _) in module.children.iter().filter(|(_, is_public)| **is_public) {
            let child_at = [at.as_slice(), std::slice::from_ref(child)].concat();
            self.reach(&child_at, &below(child), reached, lines, depth + 1);
        }
        for (alias, _, path) in module.uses.iter().filter(|(_, is_public, _)| *is_public) {
            if self.modules.contains_key(path) {
                self.reach(path, &below(alias), reached, lines, depth + 1);
                continue;
            }
            let (name, parent) = path.split_last().expect("it has a name");
            match self.defined(&parent.to_vec(), name, 0) {
                Some(found) => drop(reached.entry(found).or_insert_with(|| below(alias))),
                None => _ = lines.insert(format!("use {} as {}", path.join("::"), below(alias))),
            }
        }
    }

    /// Where what is called so in a module is defined.
    fn defined(&self, at: &Name, name: &str, depth: usize) -> Option<(Name, String)> {
        let module = self.modules.get(at).filter(|_| depth < 16)?;
        if module
            .items
            .iter()
            .any(|item| named(item).as_deref() == Some(name))
        {
            return Some((at.clone(), name.to_owned()));
        }
        let (_, _, path) = module.uses.iter().find(|(alias, _, _)| alias == name)?;
        let (name, parent) = path.split_last()?;
        self.defined(&parent.to_vec(), name, depth + 1)
    }
}

fn uses(
    into: &mut Vec<(String, bool, Name)>,
    is_public: bool,
    at: &Name,
    path: &mut Name,
    tree: &UseTree,
) {
    match tree {
        UseTree::Path(tree) => {
            path.push(tree.ident.to_string());
            uses(into, is_public, at, path, &tree.tree);
            path.pop();
        }
        UseTree::Name(tree) => {
            let mut whole = path.clone();
            if tree.ident != "self" {
                whole.push(tree.ident.to_string());
            }
            let alias = whole.last().cloned().unwrap_or_default();
            into.push((alias, is_public, absolute(at, &whole)));
        }
        UseTree::Rename(tree) => {
            let whole = [path.as_slice(), &[tree.ident.to_string()]].concat();
            into.push((tree.rename.to_string(), is_public, absolute(at, &whole)));
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                uses(into, is_public, at, path, tree);
            }
        }
        UseTree::Glob(_) => {}
    }
}

fn absolute(at: &Name, path: &Name) -> Name {
    let mut whole = Name::new();
    for (index, part) in path.iter().enumerate() {
        match part.as_str() {
            "crate" if index == 0 => {}
            "self" if index == 0 => whole.clone_from(at),
            "super" if index == 0 => whole = at[..at.len().saturating_sub(1)].to_vec(),
            "super" => drop(whole.pop()),
            part => whole.push(part.to_owned()),
        }
    }
    whole
}

fn describe(item: &Item, public: &str, lines: &mut BTreeSet<String>) {
    let mut derived = |attributes: &[Attribute]| {
        for attribute in attributes.iter().filter(|it| it.path().is_ident("derive")) {
            let list = attribute
                .meta
                .require_list()
                .map(|list| list.tokens.to_string());
            let names = list.unwrap_or_default();
            for name in names
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
            {
                lines.insert(format!("impl {} for {public}", last_name(name)));
            }
        }
    };
    match item {
        Item::Struct(item) => {
            derived(&item.attrs);
            lines.insert(format!(
                "struct {public}{}{}",
                generics(&item.generics),
                grows(&item.attrs)
            ));
            for (index, field) in item.fields.iter().enumerate() {
                if is_public(&field.vis) {
                    let name = field
                        .ident
                        .as_ref()
                        .map_or(index.to_string(), ToString::to_string);
                    lines.insert(format!("{public}::{name}: {}", field.ty.to_token_stream()));
                }
            }
        }
        Item::Enum(item) => {
            derived(&item.attrs);
            lines.insert(format!(
                "enum {public}{}{}",
                generics(&item.generics),
                grows(&item.attrs)
            ));
            for variant in &item.variants {
                let fields = match &variant.fields {
                    Fields::Unit => String::new(),
                    fields => format!(" {}", bare(fields)),
                };
                lines.insert(format!("{public}::{}{fields}", variant.ident));
            }
        }
        Item::Fn(item) => _ = lines.insert(signature(public, &item.sig)),
        Item::Const(item) => {
            _ = lines.insert(format!("const {public}: {}", item.ty.to_token_stream()))
        }
        Item::Static(item) => {
            _ = lines.insert(format!("static {public}: {}", item.ty.to_token_stream()))
        }
        Item::Type(item) => {
            _ = lines.insert(format!("type {public} = {}", item.ty.to_token_stream()))
        }
        Item::Macro(_) => _ = lines.insert(format!("macro {public}")),
        Item::Trait(item) => {
            let bounds = item.supertraits.to_token_stream();
            lines.insert(format!(
                "trait {public}{}: {bounds}",
                generics(&item.generics)
            ));
            for item in &item.items {
                if let TraitItem::Fn(item) = item {
                    lines.insert(signature(
                        &format!("{public}::{}", item.sig.ident),
                        &item.sig,
                    ));
                }
            }
        }
        _ => {}
    }
}

fn describe_impl(item: &syn::ItemImpl, public: &str, lines: &mut BTreeSet<String>) {
    if is_left_out(&item.attrs) {
        return;
    }
    if let Some((_, of, _)) = &item.trait_ {
        let name = of
            .segments
            .last()
            .map(|it| it.to_token_stream().to_string());
        lines.insert(format!("impl {} for {public}", name.unwrap_or_default()));
        return;
    }
    for item in &item.items {
        match item {
            ImplItem::Fn(item) if is_public(&item.vis) && !is_left_out(&item.attrs) => {
                lines.insert(signature(
                    &format!("{public}::{}", item.sig.ident),
                    &item.sig,
                ));
            }
            ImplItem::Const(item) if is_public(&item.vis) => {
                lines.insert(format!(
                    "const {public}::{}: {}",
                    item.ident,
                    item.ty.to_token_stream()
                ));
            }
            _ => {}
        }
    }
}

/// `fn path < T > (arguments) -> result where ..`.
fn signature(public: &str, signature: &syn::Signature) -> String {
    let mut parts = vec![format!("fn {public}")];
    let modifiers = [
        (signature.constness.is_some(), "const"),
        (signature.asyncness.is_some(), "async"),
    ];
    for (_, word) in modifiers.into_iter().filter(|(is_there, _)| *is_there) {
        parts.insert(0, word.to_owned());
    }
    if !signature.generics.params.is_empty() {
        parts.push(signature.generics.to_token_stream().to_string());
    }
    parts.push(format!("({})", signature.inputs.to_token_stream()));
    parts.push(signature.output.to_token_stream().to_string());
    parts.extend(
        signature
            .generics
            .where_clause
            .as_ref()
            .map(|it| it.to_token_stream().to_string()),
    );
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// Fields without their documentation.
fn bare(fields: &Fields) -> String {
    let mut fields = fields.clone();
    for field in &mut fields {
        field.attrs.clear();
    }
    fields.to_token_stream().to_string()
}

fn generics(generics: &syn::Generics) -> String {
    match generics.params.is_empty() {
        true => String::new(),
        false => format!(" {}", generics.to_token_stream()),
    }
}

fn grows(attributes: &[Attribute]) -> &'static str {
    match attributes
        .iter()
        .any(|it| it.path().is_ident("non_exhaustive"))
    {
        true => " (non-exhaustive)",
        false => "",
    }
}

fn named(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Macro(item) => item.ident.as_ref()?.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        _ => return None,
    })
}

/// Can an item of a public module be named from outside?
fn is_offered(item: &Item) -> bool {
    let (vis, attributes) = match item {
        Item::Const(item) => (&item.vis, &item.attrs),
        Item::Enum(item) => (&item.vis, &item.attrs),
        Item::Fn(item) => (&item.vis, &item.attrs),
        Item::Macro(item) => {
            return item
                .attrs
                .iter()
                .any(|it| it.path().is_ident("macro_export"))
                && !is_left_out(&item.attrs);
        }
        Item::Static(item) => (&item.vis, &item.attrs),
        Item::Struct(item) => (&item.vis, &item.attrs),
        Item::Trait(item) => (&item.vis, &item.attrs),
        Item::Type(item) => (&item.vis, &item.attrs),
        _ => return false,
    };
    is_public(vis) && !is_left_out(attributes)
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

/// Hidden, or for tests alone.
fn is_left_out(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let tokens = attribute.to_token_stream().to_string();
        tokens.contains("doc (hidden)") || tokens.contains("cfg (test)")
    })
}

/// `a::B<C>` is `B`.
fn last_name(path: &str) -> String {
    let path = path.split('<').next().unwrap_or_default();
    path.rsplit("::")
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}
