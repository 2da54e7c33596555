//! The modules of a crate, and what each file takes from others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Item, UseTree};

use super::Imports;

/// A module's names from the root of its crate.
type Name = Vec<String>;

/// One module, a file or part of one.
struct Module {
    file: PathBuf,
    /// What is defined here.
    items: BTreeSet<String>,
    children: BTreeSet<String>,
    /// Names that come from elsewhere, with the whole path of each.
    uses: BTreeMap<String, Name>,
    /// Modules whose names are all taken in.
    globs: Vec<Name>,
    /// Paths in the code, as they are written.
    paths: Vec<Name>,
}

/// The modules of one crate.
pub struct Tree {
    modules: BTreeMap<Name, Module>,
}

impl Tree {
    /// Reads the crate that begins with this file.
    pub fn read(root: &Path) -> Self {
        let mut tree = Self {
            modules: BTreeMap::new(),
        };
        let dir = root.parent().expect("it lies in a directory");
        tree.read_file(Vec::new(), root, dir);
        tree
    }

    /// The files of the crate.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let files: BTreeSet<&Path> = self.modules.values().map(|it| it.file.as_path()).collect();
        files.into_iter()
    }

    /// What each file takes from each other.
    pub fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (name, module) in &self.modules {
            let used = module
                .uses
                .values()
                .filter_map(|path| self.defined_in(path, 0));
            let named = module.paths.iter();
            let named = named.filter_map(|path| self.defined_in(&self.whole(name, path)?, 0));
            for (file, item) in used.chain(named) {
                let targets = imports.entry(module.file.clone()).or_default();
                if *file != module.file {
                    let names = targets.entry(file.to_path_buf()).or_default();
                    if !names.contains(&item) {
                        names.push(item);
                    }
                }
            }
        }
        imports
    }

    /// The whole path of one that is written in the module `name`; none when it begins with something else than a module.
    fn whole(&self, name: &Name, path: &Name) -> Option<Name> {
        let (first, rest) = path.split_first()?;
        let module = self.modules.get(name)?;
        let mut whole = match first.as_str() {
            "crate" => Vec::new(),
            "self" => name.clone(),
            "super" => parent(name)?,
            first if module.children.contains(first) => {
                [name.as_slice(), &[first.to_owned()]].concat()
            }
            first if !rest.is_empty() => module.uses.get(first)?.clone(),
            _ => return None,
        };
        for part in rest {
            match part.as_str() {
                "super" => whole = parent(&whole)?,
                part => whole.push(part.to_owned()),
            }
        }
        Some(whole)
    }

    /// The file that defines what this path names, and the name there.
    fn defined_in(&self, path: &Name, depth: usize) -> Option<(&Path, String)> {
        let mut at = Name::new();
        for (index, part) in path.iter().enumerate() {
            let module = self.modules.get(&at)?;
            if module.children.contains(part) {
                at.push(part.clone());
                continue;
            }
            if module.items.contains(part) || depth > MOST_HANDS {
                return Some((&module.file, part.clone()));
            }
            let rest = path.get(index + 1..).unwrap_or_default();
            if let Some(target) = module.uses.get(part) {
                return self.defined_in(&[target, rest].concat(), depth + 1);
            }
            let behind = path.get(index..).unwrap_or_default();
            let mut globs = module.globs.iter();
            return globs.find_map(|glob| {
                let target = [glob, behind].concat();
                self.has(glob, part)
                    .then(|| self.defined_in(&target, depth + 1))?
            });
        }
        // A module by itself: nothing is taken from it but by the paths that follow.
        None
    }

    /// Is there such a name in the module?
    fn has(&self, module: &Name, name: &str) -> bool {
        self.modules.get(module).is_some_and(|module| {
            module.items.contains(name)
                || module.children.contains(name)
                || module.uses.contains_key(name)
        })
    }

    fn read_file(&mut self, name: Name, file: &Path, dir: &Path) {
        let source =
            std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        let parsed = syn::parse_file(&source).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        self.read_module(name, file, dir, &parsed.items);
    }

    /// `dir` is where the files of its children lie.
    fn read_module(&mut self, name: Name, file: &Path, dir: &Path, items: &[Item]) {
        let mut module = Module {
            file: file.to_path_buf(),
            items: BTreeSet::new(),
            children: BTreeSet::new(),
            uses: BTreeMap::new(),
            globs: Vec::new(),
            paths: Vec::new(),
        };
        let mut children = Vec::new();
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            match item {
                Item::Mod(child) => {
                    module.children.insert(child.ident.to_string());
                    children.push(child);
                }
                Item::Use(import) => {
                    let mut path = Vec::new();
                    read_use(&mut module, &name, &mut path, &import.tree);
                }
                item => {
                    module.items.extend(defined(item));
                    read_paths(&mut module.paths, item.to_token_stream());
                }
            }
        }
        // What begins with a child or with a name that came from elsewhere is known now.
        let whole = |path: &Name| match path.as_slice() {
            [elsewhere, first, ..] if elsewhere == ELSEWHERE && module.children.contains(first) => {
                [name.as_slice(), path.get(1..).unwrap_or_default()].concat()
            }
            _ => path.clone(),
        };
        module.uses = module
            .uses
            .iter()
            .map(|(alias, path)| (alias.clone(), whole(path)))
            .collect();
        module.globs = module.globs.iter().map(whole).collect();
        self.modules.insert(name.clone(), module);
        for child in children {
            let own = child.ident.to_string();
            let child_name = [name.as_slice(), std::slice::from_ref(&own)].concat();
            match &child.content {
                Some((_, items)) => self.read_module(child_name, file, &dir.join(&own), items),
                None => {
                    let flat = dir.join(path_of(&child.attrs).unwrap_or(format!("{own}.rs")));
                    if flat.exists() {
                        self.read_file(child_name, &flat, &dir.join(&own));
                    } else {
                        self.read_file(child_name, &dir.join(&own).join("mod.rs"), &dir.join(&own));
                    }
                }
            }
        }
    }
}

/// Before the path of a `use` that begins with another name than `crate`, `self` or `super`: that of a child, or of
/// another crate, which no module here is called.
const ELSEWHERE: &str = "::";

/// Longer chains of hands that a name goes through are a circle themselves.
const MOST_HANDS: usize = 16;

fn parent(name: &Name) -> Option<Name> {
    let (_, parent) = name.split_last()?;
    Some(parent.to_vec())
}

/// Notes the names of one `use`, with whole paths where it says `crate`, `self` or `super`.
fn read_use(module: &mut Module, name: &Name, path: &mut Name, tree: &UseTree) {
    match tree {
        UseTree::Path(tree) => {
            path.push(tree.ident.to_string());
            read_use(module, name, path, &tree.tree);
            path.pop();
        }
        UseTree::Name(tree) => {
            let own = tree.ident.to_string();
            let whole = match own.as_str() {
                "self" => path.clone(),
                own => [path.as_slice(), &[own.to_owned()]].concat(),
            };
            let alias = whole.last().cloned().unwrap_or_default();
            module
                .uses
                .extend(absolute(name, &whole).map(|whole| (alias, whole)));
        }
        UseTree::Rename(tree) => {
            let whole = [path.as_slice(), &[tree.ident.to_string()]].concat();
            let whole = absolute(name, &whole);
            module
                .uses
                .extend(whole.map(|whole| (tree.rename.to_string(), whole)));
        }
        UseTree::Glob(_) => module.globs.extend(absolute(name, path)),
        UseTree::Group(group) => {
            for tree in &group.items {
                read_use(module, name, path, tree);
            }
        }
    }
}

/// A path of a `use` from the root of the crate. One that begins with another name is that of a child, or of a crate.
fn absolute(name: &Name, path: &Name) -> Option<Name> {
    let (first, rest) = path.split_first()?;
    let mut whole = match first.as_str() {
        "crate" => Vec::new(),
        "self" => name.clone(),
        "super" => parent(name)?,
        _ => return Some([&[ELSEWHERE.to_owned()], path.as_slice()].concat()),
    };
    for part in rest {
        match part.as_str() {
            "super" => whole = parent(&whole)?,
            part => whole.push(part.to_owned()),
        }
    }
    Some(whole)
}

/// Notes each path of two names or more, in macros too.
fn read_paths(paths: &mut Vec<Name>, tokens: TokenStream) {
    let mut path = Name::new();
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                if colons != 2 {
                    end_path(paths, &mut path);
                }
                path.push(ident.to_string());
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            TokenTree::Group(group) => {
                end_path(paths, &mut path);
                colons = 0;
                read_paths(paths, group.stream());
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {
                end_path(paths, &mut path);
                colons = 0;
            }
        }
    }
    end_path(paths, &mut path);
}

fn end_path(paths: &mut Vec<Name>, path: &mut Name) {
    let path = std::mem::take(path);
    if path.len() > 1 {
        paths.push(path);
    }
}

fn defined(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Macro(item) => item.ident.as_ref()?.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        Item::Union(item) => item.ident.to_string(),
        _ => return None,
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute
            .path()
            .is_ident("cfg")
            .then(|| attribute.parse_args::<syn::Path>());
        matches!(condition, Some(Ok(condition)) if condition.is_ident("test"))
    })
}

/// Where `#[path = ".."]` says that a module lies.
fn path_of(attributes: &[Attribute]) -> Option<String> {
    attributes
        .iter()
        .find_map(|attribute| match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(path),
                    ..
                }) => Some(path.value()),
                _ => None,
            },
            _ => None,
        })
}
