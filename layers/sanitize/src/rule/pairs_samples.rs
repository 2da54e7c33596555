//! What stands behind a name, and is a secret or none: the samples of `pairs`, which a self-test runs at each reload.

use crate::rule::scanner::Samples;
use crate::rule_names::Place;

pub(crate) const SAMPLES: Samples = Samples {
    place: Place::Message,
    taken: &[
        ("login password=hunter2 ok", "login password=[REDACTED] ok"),
        (
            r#"{"user":"ann","password":"hun\"ter2","n":1}"#,
            r#"{"user":"ann","password":"[REDACTED]","n":1}"#,
        ),
        (
            r#"body: "{\"token\":\"abc\",\"n\":1}""#,
            r#"body: "{\"token\":\"[REDACTED]\",\"n\":1}""#,
        ),
        (
            r#"Login { user: "ann", password: Some("hunter2"), n: 1 }"#,
            r#"Login { user: "ann", password: Some("[REDACTED]"), n: 1 }"#,
        ),
        ("GET /x?token=abc&page=2", "GET /x?token=[REDACTED]&page=2"),
        (
            "api_key%3Dabc%26page%3D2",
            "api_key%3D[REDACTED]%26page%3D2",
        ),
        (
            "run --password hunter2 --verbose",
            "run --password [REDACTED] --verbose",
        ),
        ("Cookie: a=b; c=d", "Cookie: [REDACTED]"),
        (
            "Authorization: Bearer abc.def-123 then",
            "Authorization: Bearer [REDACTED] then",
        ),
        (
            "\x1b[3mpassword\x1b[0m\x1b[2m=\x1b[0mhunter2\x1b[0m n=1",
            "\x1b[3mpassword\x1b[0m\x1b[2m=\x1b[0m[REDACTED]\x1b[0m n=1",
        ),
        ("password: correct horse battery", "password: [REDACTED]"),
        (
            "<password>hunter2</password>",
            "<password>[REDACTED]</password>",
        ),
        (
            r#"headers=[("x-api-key", "abc"), ("accept", "*/*")]"#,
            r#"headers=[("x-api-key", "[REDACTED]"), ("accept", "*/*")]"#,
        ),
        (
            "curl -H 'X-Api-Key: abc123' https://x",
            "curl -H 'X-Api-Key: [REDACTED]' https://x",
        ),
        (
            r#"{"name": "password", "value": "x1"}"#,
            r#"{"name": "password", "value": "[REDACTED]"}"#,
        ),
        (
            r#"credentials: Creds { user: "a", key: "b" }, n: 1"#,
            "credentials: [REDACTED], n: 1",
        ),
        (
            "User(name=ann, secret=s3, n=1)",
            "User(name=ann, secret=[REDACTED], n=1)",
        ),
        (
            r#"{"authorization": "Bearer abc", "n": 1}"#,
            r#"{"authorization": "Bearer [REDACTED]", "n": 1}"#,
        ),
        (
            r#"ApiKey(0123456789abcdef0123) and Token { raw: "0a1b2c3d" }"#,
            r#"ApiKey([REDACTED]) and Token { raw: "[REDACTED]" }"#,
        ),
        (
            r#"variable "db_password" { default = "s3same" }"#,
            r#"variable "db_password" { default = "[REDACTED]" }"#,
        ),
        (
            r#"set "Smtp:Password" "s3same""#,
            r#"set "Smtp:Password" "[REDACTED]""#,
        ),
        ("userPassword:: czNzYW1l", "userPassword:: [REDACTED]"),
        (
            r#"db.setPassword("s3same") done"#,
            r#"db.setPassword("[REDACTED]") done"#,
        ),
        (
            "put(auth_token, 0123456789abcdef01) done",
            "put(auth_token, [REDACTED]) done",
        ),
        ("Unseal Key 1: q83v/0a1b2c3d4=", "Unseal Key 1: [REDACTED]"),
        (
            "pairing passkey 573313 shown",
            "pairing passkey [REDACTED] shown",
        ),
        (
            "token: Some(\n    \"abc\",\n), n: 1",
            "token: Some(\n    \"[REDACTED]\",\n), n: 1",
        ),
        (
            "<key>ApiToken</key>\n<string>abc</string>",
            "<key>ApiToken</key>\n<string>[REDACTED]</string>",
        ),
        (
            "password: |-\n  one\n  two\nuser: ann",
            "password: |-\n  [REDACTED]\nuser: ann",
        ),
        (
            "SET PASSWORD FOR 'ann'@'%' = 's3same'",
            "SET PASSWORD FOR 'ann'@'%' = '[REDACTED]'",
        ),
        (
            "password for ann set to s3same.",
            "password for ann set to [REDACTED].",
        ),
        ("mot_de_passe=s3same", "mot_de_passe=[REDACTED]"),
        ("password=a1%26b2&x=1", "password=[REDACTED]&x=1"),
        (
            "next=a%253Ftoken%253Dx7%2526n%253D1",
            "next=a%253Ftoken%253D[REDACTED]%2526n%253D1",
        ),
        (
            "Cookie: a=\"b7 c8\"; e=f9\nHost: x",
            "Cookie: [REDACTED]\nHost: x",
        ),
        (
            "\"{\"\"password\"\":\"\"x7y\"\",\"\"n\"\":1}\"",
            "\"{\"\"password\"\":\"\"[REDACTED]\"\",\"\"n\"\":1}\"",
        ),
        (
            "<password>Elm&amp;Oak7</password>",
            "<password>[REDACTED]</password>",
        ),
        (
            "<password><![CDATA[a<b7]]></password>",
            "<password><![CDATA[[REDACTED]]]></password>",
        ),
        (
            "<string name=\"password\">a b7</string>",
            "<string name=\"password\">[REDACTED]</string>",
        ),
        (
            "{user,\"ann\"},{password,<<\"x7y\">>}",
            "{user,\"ann\"},{password,<<\"[REDACTED]\">>}",
        ),
        (
            "secrets:\n  db: hunter27\nregion: eu",
            "secrets:\n  [REDACTED]\nregion: eu",
        ),
        (
            "[credentials]\ndb = \"x7\"\n[other]\nn = 1",
            "[credentials]\n[REDACTED]\n[other]\nn = 1",
        ),
        (
            "~ password = \"old77x\" -> \"new88y\"",
            "~ password = \"[REDACTED]\" -> \"[REDACTED]\"",
        ),
        ("password=ab(c)7 n=1", "password=[REDACTED] n=1"),
        ("password=ab<c>7 n=1", "password=[REDACTED] n=1"),
        ("DB_PASSWORD=abc'def7 n=1", "DB_PASSWORD=[REDACTED] n=1"),
        (
            "'password=moss7' was used",
            "'password=[REDACTED]' was used",
        ),
        (
            "User ID=sa;Password=Plum Tree 8;X=1",
            "User ID=sa;Password=[REDACTED];X=1",
        ),
        (
            "User(name=ann, password=Plum Tree 8, n=1)",
            "User(name=ann, password=[REDACTED], n=1)",
        ),
        (
            "&{Host:db Password:a b7 Port:5432}",
            "&{Host:db Password:[REDACTED] Port:5432}",
        ),
        (
            "run --password 'it'\\''s 7' -v",
            "run --password '[REDACTED]' -v",
        ),
        ("x-rapidapi-key: 9f;Maple\"22", "x-rapidapi-key: [REDACTED]"),
        (
            "{\"token\":12345678,\"n\":1}",
            "{\"token\":\"[REDACTED]\",\"n\":1}",
        ),
        (
            "{\\\"token\\\":12345678,\\\"n\\\":1}",
            "{\\\"token\\\":\\\"[REDACTED]\\\",\\\"n\\\":1}",
        ),
        (
            "Der API-Schlüssel lautet 0a1b2c3d4e5f6071",
            "Der API-Schlüssel lautet [REDACTED]",
        ),
        (
            "jeton d'accès : 0a1b2c3d4e5f6071",
            "jeton d'accès : [REDACTED]",
        ),
    ],
    kept: &[
        "app::auth: login ok",
        "invalid token: unexpected end of input",
        "tokens=1532",
        "password: None",
        "author=ann",
        "token_count=7",
        "src/token.rs:12:5",
        "password=$DB_PASSWORD",
        "auth{user=7}: in",
        "the --token flag",
        "auth service on auth:8080",
        "password must be long",
        "secret=[REDACTED]",
        r#""password": "[REDACTED]""#,
        "token = request.token",
        "password: ****",
        "cache_key=user:7",
        "password=true",
        "auth=basic",
        "tokens: [Ident(\"let\"), Eq, Number(4)]",
        "Auth(\"token has expired 3 times\")",
        "| password: |\n| token: |",
        "<key>Label</key><string>abc</string>",
        "password for ann set by admin7",
        "Schlüssel: Temperatur7",
        "password: SecretString { .. }",
        "token=Token(3) readiness=READABLE",
        "token: Token { kind: Ident, span: 12..17 }",
        r#"{"tokens":{"input":12,"output":31}}"#,
        "tokens: [101, 2054]",
        "password = (sensitive value)",
        "id-token: write",
        "method=password user_id=7",
        "type Token = { kind: string };",
        r#""password":{"type":"string"},"n":1"#,
        "QPasswordDigestor: 100000 iterations",
        "auth_request: upstream sent 3",
        "tagged acme/auth:1.2.3-alpine",
        "access_key.ci: Refreshing state...",
        "password: Path `password` is required.",
        "clave primaria: id7",
        r#""client_secret": "${PORTAL_SECRET}","#,
        "the secret from /usr/lib/x86_64-linux/store",
        "unexpected token: \"foo\"",
        "failed to refresh token:\n    at Foo.bar(Foo.java:1)",
        "Missing secrets:\n  - DB_PASSWORD",
        "secrets:\n  - source: db\n    target: app",
        "[auth]\nmethod = \"basic\"",
        "invalid password; try=3; user=ann",
        "X-Idempotency-Key: 7f9c-22",
        "password = (sensitive value) -> (sensitive value)",
        "expected token `,`, found `}`",
        "<xs:element name=\"password\" type=\"xs:string\"/>",
    ],
};
