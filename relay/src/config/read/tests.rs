use std::time::Duration;

use super::super::upstream::logfire_endpoint;
use super::super::value::size;
use super::super::*;

fn config(toml: &str) -> Result<Config, ConfigError> {
    toml.parse::<RawConfig>()
        .expect("the TOML is fine")
        .try_into()
}

#[test]
fn nothing_at_all_is_development_mode_with_its_defaults() {
    let config = config("").expect("the defaults are fine");
    assert!(matches!(config.tokens.key, KeyConfig::Development));
    assert_eq!(config.listen.to_string(), DEFAULT_LISTEN);
    assert_eq!(config.rates, Rates::default());
    assert_eq!((config.max_body_bytes, config.max_records), (1 << 20, 1000));
    assert!(config.sanitize && config.upstream.is_none());
}

#[test]
fn each_wrong_setting_is_named_with_what_to_do() {
    let cases = [
        ("index = \"yes\"", "--index `yes`: use on or off"),
        ("keep = \"0s\"", "--keep `0s`: use a duration such as 30d"),
        (
            "otlp_endpoint = \"none\"\nindex = \"off\"",
            "--otlp-endpoint `none`: nobody would get the records: give a base URL or --otlp-file-dir, or leave --index off out",
        ),
        (
            "spool = \"none\"\nindex = \"on\"\notlp_endpoint = \"http://localhost:4318\"",
            "--index `on`: the index is filled from the spool; leave --spool none out",
        ),
        (
            "listen = \"here\"",
            "--listen `here`: use an address and a port, for example 127.0.0.1:8787",
        ),
        (
            "listen = \"0.0.0.0:1\"",
            "--listen `0.0.0.0:1` is not loopback",
        ),
        (
            "admin_listen = \"0.0.0.0:1\"",
            "--admin-listen `0.0.0.0:1` is not loopback",
        ),
        (
            "listen = \"0.0.0.0:1\"\njwks_url = \"https://a\"",
            "--listen `0.0.0.0:1` is not loopback, and would speak plain HTTP: give --tls-cert-file",
        ),
        (
            "admin_listen = \"[::]:1\"\njwks_url = \"https://a\"\ntls_cert_file = \"c\"\ntls_key_file = \"k\"",
            "--admin-listen `[::]:1` is not loopback, and would speak plain HTTP",
        ),
        (
            "tls_cert_file = \"c\"",
            "--tls-cert-file needs --tls-key-file",
        ),
        (
            "tls_key_file = \"k\"",
            "--tls-key-file needs --tls-cert-file",
        ),
        ("allow_plain_http = \"maybe\"", "use on or off"),
        ("max_connections = 0", "--max-connections `0`: use a number"),
        (
            "max_connections_per_address = \"many\"",
            "--max-connections-per-address `many`",
        ),
        ("spool = \"nats://x\"", "NATS is not supported yet"),
        ("spool = \"none\"", "--spool none needs an upstream"),
        (
            "spool = \"none\"\notlp_endpoint = \"http://x\"\notlp_file_dir = \"/x\"",
            "files are written from the spool",
        ),
        ("spool = \"redis\"", "use sqlite or none"),
        (
            "database_url = \"postgres://a:b@c/d\"",
            "PostgreSQL is not supported yet",
        ),
        ("spool_max_bytes = 0", "use a number above 0"),
        ("spool_max_bytes = \"1 parsec\"", "use a number above 0"),
        (
            "rate_records_per_minute = -1",
            "--rate-records-per-minute `-1`",
        ),
        (
            "jwt_secret_file = \"/no/such/file\"",
            "--jwt-secret-file: cannot read `/no/such/file`",
        ),
        ("jwks_url = \"http://keys.example\"", "use an https URL"),
        (
            "jwks_url = \"https://a\"\njwt_secret_file = \"b\"",
            "exclude each other",
        ),
        (
            "otlp_endpoint = \"https://me:pw@otlp.example\"",
            "must not carry credentials",
        ),
        (
            "otlp_endpoint = \"https://otlp.example/v1/logs\"",
            "/v1/logs is put behind it",
        ),
        (
            "otlp_endpoint = \"otlp.example:4318\"",
            "use an http or https URL",
        ),
        ("sanitize = \"maybe\"", "use on or off"),
        ("clamp = \"maybe\"", "use auto, on or off"),
        (
            "limits = \"maybe\"",
            "--limits `maybe`: use auto, on or off",
        ),
        ("exceptions = \"maybe\"", "use log or span"),
        (
            "otlp_file_max_bytes = \"0\"",
            "--otlp-file-max-bytes `0`: use a number above 0",
        ),
        (
            "telemetry_endpoint = \"https://me:pw@otlp.example\"",
            "--telemetry-endpoint `…`: a URL must not carry credentials",
        ),
        (
            "cors_origin = \"https://app.example/path\"",
            "use one origin",
        ),
        ("trusted_proxy = \"10.0.0.1, proxy\"", "use addresses"),
    ];
    for (toml, expected) in cases {
        let error = config(toml).expect_err(toml).to_string();
        assert!(error.contains(expected), "{toml}: {error}");
        assert!(!error.contains("pw"), "{toml}: {error}");
    }
}

#[test]
fn unknown_keys_are_refused_by_name() {
    let error = "listne = \"x\""
        .parse::<RawConfig>()
        .expect_err("it is misspelled")
        .to_string();
    assert!(error.contains("listne"), "{error}");
}

#[test]
fn the_region_of_a_logfire_token_decides_the_endpoint() {
    let cases = [
        ("pylf_v1_eu_abc", "https://logfire-eu.pydantic.dev"),
        ("pylf_v1_us_abc", "https://logfire-us.pydantic.dev"),
        ("abc", "https://logfire-us.pydantic.dev"),
        ("pylf_v1_../x_abc", "https://logfire-us.pydantic.dev"),
    ];
    for (token, endpoint) in cases {
        assert_eq!(logfire_endpoint(token), endpoint, "{token}");
    }
}

#[test]
fn sizes_and_durations_have_units() {
    let sizes = [
        ("1000", 1000),
        ("64KiB", 65_536),
        ("1 GiB", 1 << 30),
        ("5MB", 5_000_000),
        ("1_000", 1000),
    ];
    for (text, bytes) in sizes {
        assert_eq!(
            size("max-body-bytes", Some(&Setting::from(text)), 1).ok(),
            Some(bytes),
            "{text}"
        );
    }
    let durations = [
        ("24h", Some(86_400_000)),
        ("10ms", Some(10)),
        ("7d", Some(604_800_000)),
        ("5", None),
        ("h", None),
    ];
    for (text, millis) in durations {
        assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
    }
}

#[test]
fn a_listener_for_others_has_a_certificate_or_says_that_it_is_behind_a_proxy() {
    let open = "listen = \"0.0.0.0:1\"\njwks_url = \"https://a\"\n";
    let certain = config(&format!(
        "{open}tls_cert_file = \"c\"\ntls_key_file = \"k\""
    ));
    assert!(certain.expect("it has a certificate").tls.is_some());
    let behind = config(&format!(
        "{open}admin_listen = \"0.0.0.0:2\"\nallow_plain_http = true"
    ));
    assert!(behind.expect("it says so").tls.is_none());
}

#[test]
fn one_address_has_a_quarter_of_all_connections_unless_told_otherwise() {
    let cases = [
        ("", (4096, Some(1024))),
        ("max_connections = 10", (10, Some(3))),
        ("max_connections_per_address = 7", (4096, Some(7))),
        ("max_connections_per_address = 0", (4096, None)),
    ];
    for (toml, (all, per_address)) in cases {
        let connections = config(toml).expect("it makes sense").connections;
        assert_eq!(connections, Connections { all, per_address }, "{toml}");
    }
}
