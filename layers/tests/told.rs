//! What a program in a debug build says on stderr about its records: whether they arrive, and why not.
#![cfg(feature = "http")]

mod child;
mod tls;
mod wire_server;

use std::time::Duration;

use tls::Tls;
use tracing_courier::prelude::*;
use tracing_subscriber::prelude::*;
use wire_server::{Act, Server};

const TEST: &str = "each_reason_is_one_line_with_what_to_do";
const URL: &str = "COURIER_TEST_URL";

/// A program whose records go there, by tries that fail again and again. Its lines on stderr.
fn lines(case: &str, url: &str, debug: Option<&str>) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut command = child::command(TEST, case, dir.path());
    command.env(URL, url).env_remove("COURIER_DEBUG");
    if let Some(debug) = debug {
        command.env("COURIER_DEBUG", debug);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    let ours = stderr
        .lines()
        .filter(|line| line.starts_with("tracing-courier: "));
    ours.map(str::to_owned).collect()
}

fn run(case: &str, dir: &std::path::Path) {
    let url = std::env::var(URL).unwrap();
    let backend = tracing_courier::Backend::builder(url)
        .without_proxy()
        .allow_plain_http()
        .drop_deadline(Duration::from_millis(1));
    let builder = Courier::builder("told", "1")
        .dir(dir)
        .backend(backend)
        .without_panic_hook();
    let builder = match case {
        "no token" => builder,
        "debug off" => builder.token("t-1").debug(false),
        "debug on" => builder.token("t-1").debug(true),
        _ => builder.token("t-1"),
    };
    let courier = builder.start().unwrap();
    if case == "no layer" {
        tracing_subscriber::registry()
            .sanitized(courier.sanitizer())
            .init();
    } else {
        courier.install().unwrap();
    }
    tracing::error!("one");
    // Long enough for a second try, a second after the first.
    courier.flush(Duration::from_millis(2_600));
    if case == "another token" {
        assert!(
            courier
                .set_token("")
                .unwrap_err()
                .to_string()
                .starts_with("the token is empty")
        );
        courier.set_token("t-2").unwrap();
        courier.flush(Duration::from_secs(20));
        assert_eq!(courier.status().pending_records, 0);
    }
}

/// A server without TLS that doesn't understand what comes in, and says so.
fn plain_server() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    format!("https://localhost:{port}")
}

#[test]
fn each_reason_is_one_line_with_what_to_do() {
    if let Some((case, dir)) = child::case() {
        return run(&case, &dir);
    }
    let always = |act: Act| Server::start_by(move |_| act.clone());
    let (receipts, tokens, refusals) = (
        always(Act::Receipt),
        always(Act::Status(401)),
        always(Act::Refuse(503)),
    );
    let (missing, portal) = (always(Act::Refuse(404)), always(Act::Page(200)));
    let by_token = Server::start_by(|seen| match &*seen.header("authorization") {
        "Bearer t-2" => Act::Receipt,
        _ => Act::Status(401),
    });
    let secure = Tls::new().serve();
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let pasted = format!("{}/v1/logs", missing.url());
    let twice = format!("{}/api/v1/logs", missing.url());
    let no_name = format!("http://{}.invalid", "a".repeat(64));
    let fails = |url: &str| format!("records do not arrive at {url}: ");
    for (case, url, parts) in [
        (
            "arrives",
            receipts.url(),
            vec![format!(
                "records arrive at {}: the first 2 of them",
                receipts.url()
            )],
        ),
        (
            "down",
            closed.clone(),
            vec![
                fails(&closed) + "Connection refused",
                "start the relay".into(),
            ],
        ),
        (
            "401",
            tokens.url(),
            vec![
                "the relay refused the token (401)".into(),
                "courier.set_token(..)".into(),
            ],
        ),
        (
            "no token",
            tokens.url(),
            vec!["wants a token (401), and none is set".into()],
        ),
        (
            "pasted",
            pasted.clone(),
            vec![fails(&pasted), format!("write `{}`", missing.url())],
        ),
        (
            "pasted",
            twice.clone(),
            vec![fails(&twice), format!("write `{}`", missing.url())],
        ),
        (
            "no path",
            missing.url(),
            vec![
                "the relay answered 404 (`on purpose`)".into(),
                "own URL".into(),
            ],
        ),
        (
            "https to http",
            plain_server(),
            vec!["that port speaks no TLS: write `http://`".into()],
        ),
        (
            "http to https",
            secure.url().replace("https://", "http://"),
            vec!["write `https://`".into()],
        ),
        (
            "not trusted",
            secure.url(),
            vec![".root_certificates(..)".into()],
        ),
        (
            "no name",
            no_name.clone(),
            vec![fails(&no_name), "does not know that name".into()],
        ),
        (
            "portal",
            portal.url(),
            vec![
                "something between here and the relay answers".into(),
                "Log in".into(),
            ],
        ),
        (
            "503",
            refusals.url(),
            vec![
                "the relay answered 503 (`on purpose`)".into(),
                "the relay's log".into(),
            ],
        ),
        (
            "another token",
            by_token.url(),
            vec!["refused the token".into(), "records arrive at".into()],
        ),
    ] {
        let said = lines(case, &url, Some("1"));
        let expected = if case == "another token" { 2 } else { 1 };
        assert_eq!(said.len(), expected, "{case}: {said:#?}");
        for part in parts {
            assert!(
                said.iter().any(|line| line.contains(&part)),
                "{case}: `{part}` in {said:#?}"
            );
        }
    }
}

#[test]
fn the_variable_comes_before_the_program_and_a_debug_build_is_the_default() {
    let server = Server::start(vec![]);
    for (case, debug, is_told) in [
        ("default", None, cfg!(debug_assertions)),
        ("debug on", None, true),
        ("debug off", None, false),
        ("debug off", Some("1"), true),
        ("debug on", Some("0"), false),
    ] {
        let said = lines(case, &server.url(), debug);
        assert_eq!(
            said.len(),
            usize::from(is_told),
            "{case} {debug:?}: {said:#?}"
        );
    }
}

#[test]
fn a_stack_without_the_layer_is_told_at_the_end() {
    let server = Server::start_by(|_| Act::Receipt);
    let said = lines("no layer", &server.url(), Some("1"));
    let about = |line: &&String| line.contains("no layer wrote to the queue");
    assert_eq!(said.iter().filter(about).count(), 1, "{said:#?}");
    let silent = lines("no layer", &server.url(), Some("0"));
    assert_eq!(silent, [""; 0]);
    let with_it = lines("arrives", &server.url(), Some("1"));
    assert_eq!(with_it.iter().filter(about).count(), 0, "{with_it:#?}");
}

#[test]
fn an_empty_token_is_named_as_empty() {
    let dir = tempfile::tempdir().unwrap();
    let builder = Courier::builder("told", "1")
        .dir(dir.path())
        .relay("https://relay.example");
    let error = builder.token("").start().unwrap_err().to_string();
    assert!(error.starts_with("the token is empty"), "{error}");
}

#[test]
fn a_user_id_that_is_an_email_is_said_once() {
    let dir = tempfile::tempdir().unwrap();
    let start = |user: &str| {
        let builder = Courier::builder("told", "1")
            .dir(dir.path())
            .without_panic_hook();
        builder.user(user).start().unwrap()
    };
    let said = || child::records(dir.path(), "user_id_is_an_email").len();
    let courier = start("user-7");
    courier.set_user(Some("user-8"));
    courier.set_user(None);
    assert_eq!(said(), 0);
    for user in ["ada@example.org", "bob@example.org"] {
        courier.set_user(Some(user));
        assert_eq!(said(), 1);
    }
    drop(courier);
    drop(start("ada@example.org"));
    assert_eq!(said(), 2, "of another run");
}
