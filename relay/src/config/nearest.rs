//! Which known name is nearest to an unknown one.

/// The one of `known` that is most like `said`; `None` when none is much like it.
pub(super) fn nearest<'k>(said: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|name| (likeness(said, name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

/// From 0 to 1. Words that are left out at the end weigh less than letters that are mixed up.
fn likeness(said: &str, name: &str) -> f64 {
    strsim::jaro_winkler(said, name).max(strsim::normalized_damerau_levenshtein(said, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_understood_and_nonsense_is_not() {
        let known = [
            "spool_max_bytes",
            "max_body_bytes",
            "trusted_proxy",
            "jwks_url",
            "listen",
        ];
        let cases = [
            ("spool_maxbytes", Some("spool_max_bytes")),
            ("trusted_proxies", Some("trusted_proxy")),
            ("jwks", Some("jwks_url")),
            ("lisen", Some("listen")),
            ("colour", None),
            ("", None),
        ];
        for (said, meant) in cases {
            assert_eq!(nearest(said, known.into_iter()), meant, "{said}");
        }
    }
}
