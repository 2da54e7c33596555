//! Where attributes are found.

/// Where attributes are found: variables and files, or what a test puts in their place.
pub(crate) trait Surroundings {
    fn variable(&self, name: &str) -> Option<String>;
    /// The file's text, if it is there and is text.
    fn file(&self, path: &str) -> Option<String>;
    fn exists(&self, path: &str) -> bool;
    /// Where a link leads, if it is one.
    fn link(&self, path: &str) -> Option<String>;
}

/// This process's own.
pub(crate) struct Real;

impl Surroundings for Real {
    /// An empty variable is as one that is not set.
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn file(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(path).ok()
    }

    fn exists(&self, path: &str) -> bool {
        std::path::Path::new(path).exists()
    }

    fn link(&self, path: &str) -> Option<String> {
        std::fs::read_link(path).ok()?.to_str().map(str::to_owned)
    }
}

#[cfg(test)]
pub(super) mod made {
    use std::collections::HashMap;

    use super::Surroundings;

    /// Variables and files of a test.
    #[derive(Default)]
    pub struct Made {
        pub variables: HashMap<&'static str, &'static str>,
        pub files: HashMap<&'static str, &'static str>,
        pub links: HashMap<&'static str, &'static str>,
    }

    impl Surroundings for Made {
        fn variable(&self, name: &str) -> Option<String> {
            self.variables.get(name).map(|&value| value.to_owned())
        }

        fn file(&self, path: &str) -> Option<String> {
            self.files.get(path).map(|&text| text.to_owned())
        }

        fn exists(&self, path: &str) -> bool {
            self.files.contains_key(path)
        }

        fn link(&self, path: &str) -> Option<String> {
            self.links.get(path).map(|&to| to.to_owned())
        }
    }
}
