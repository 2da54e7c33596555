//! What goes over the wire, against a server that does as it is told.
#![cfg(feature = "http")]

mod scripted;
mod tls;
mod wire_server;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use scripted::{PATIENCE, append};
use tls::Tls;
use tracing_courier::send::{
    BackendBuilder, CertificateError, Compression, Connection, EndpointError, MAX_ANSWER_BYTES,
    Report, WhyStopped,
};
use tracing_courier::{Backend, DiskQueue, Guard};
use wire_server::{Act, Seen, Server};

struct Trial {
    _dir: tempfile::TempDir,
    queue: DiskQueue,
    backend: Guard<Backend>,
}

impl Trial {
    fn new(records: u64, backend: BackendBuilder) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let queue = DiskQueue::open(dir.path()).unwrap();
        append(&queue, 0..records);
        let backend = backend
            .without_proxy()
            .drop_deadline(Duration::from_millis(1))
            .start(&queue)
            .unwrap();
        Self {
            _dir: dir,
            queue,
            backend,
        }
    }

    fn flush(&self) -> Report {
        self.backend.flush(PATIENCE)
    }
}

fn assert_home(report: &Report, delivered: u64) {
    assert_eq!(report.why_stopped, WhyStopped::Drained);
    assert_eq!((report.delivered, report.pending), (delivered, 0));
}

#[test]
fn each_request_has_the_contracts_headers_and_a_body_of_its_own() {
    let server = Server::start(vec![]);
    let trial = Trial::new(250, Backend::builder(server.url()).token("t-1"));
    assert_home(&trial.flush(), 250);
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    for Seen { head, .. } in &seen {
        let head = head.to_ascii_lowercase();
        for line in [
            "post /api/v1/logs http/1.1\r\n",
            "\r\nauthorization: bearer t-1\r\n",
            "\r\ncontent-type: application/json\r\n",
            "\r\ncontent-encoding: gzip\r\n",
            "\r\nuser-agent: tracing-courier/",
        ] {
            assert!(head.contains(line), "{line:?} is not in {head}");
        }
    }
    let ids: HashSet<String> = seen
        .iter()
        .map(|seen| seen.header("x-request-id"))
        .collect();
    assert_eq!(ids.len(), 3, "a new id for each request");
    let numbers: Vec<u64> = seen.iter().flat_map(Seen::numbers).collect();
    assert!(numbers.into_iter().eq(0..250));
}

#[test]
fn bodies_go_as_the_setting_says() {
    for (compression, encoding) in [(Compression::Gzip, "gzip"), (Compression::None, "")] {
        let server = Server::start(vec![]);
        let backend = Backend::builder(server.url()).compression(compression);
        assert_home(&Trial::new(5, backend).flush(), 5);
        let seen = server.seen();
        assert_eq!(seen[0].header("content-encoding"), encoding);
        assert_eq!(seen[0].numbers(), [0, 1, 2, 3, 4]);
    }
}

#[cfg(feature = "zstd")]
#[test]
fn bodies_go_as_zstd_too() {
    // Answers as any server would; what came is read here.
    let server = Server::start_by(|_| Act::Status(204));
    let backend = Backend::builder(server.url())
        .compression(Compression::Zstd)
        .accept_any_2xx();
    assert_home(&Trial::new(5, backend).flush(), 5);
    let seen = server.seen();
    assert_eq!(seen[0].header("content-encoding"), "zstd");
    let body = zstd::decode_all(&seen[0].sent[..]).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["logs"].as_array().unwrap().len(), 5);
}

#[test]
fn a_relay_that_restarts_between_two_sends_costs_no_failed_request() {
    let server = Server::start(vec![]);
    let trial = Trial::new(1, Backend::builder(server.url()));
    assert_home(&trial.flush(), 1);
    for n in 1..20 {
        server.close_connections();
        append(&trial.queue, n..n + 1);
        assert_home(&trial.flush(), n + 1);
        assert_eq!(trial.backend.status().last_error, None, "send {n}");
    }
    assert_eq!(server.seen().len(), 20);
}

#[test]
fn an_answer_of_a_hundred_megabytes_is_not_read_to_its_end() {
    let server = Server::start(vec![Act::Endless(200)]);
    let trial = Trial::new(1, Backend::builder(server.url()));
    let start = Instant::now();
    let report = trial.backend.flush(Duration::from_millis(800));
    assert_eq!(
        (report.why_stopped, report.pending),
        (WhyStopped::Deadline, 1)
    );
    let error = trial.backend.status().last_error.unwrap();
    assert!(error.contains("(200 without a receipt)"), "{error}");
    assert_home(&trial.flush(), 1);
    assert!(start.elapsed() < PATIENCE);
    // What the sender read, and what lay in the sockets between them.
    assert!(
        server.written() < MAX_ANSWER_BYTES + (16 << 20),
        "{}",
        server.written()
    );
}

#[test]
fn an_answer_byte_by_byte_ends_at_the_timeout_of_the_request() {
    let server = Server::start(vec![Act::Slow]);
    let backend = Backend::builder(server.url()).request_timeout(Duration::from_millis(300));
    let trial = Trial::new(1, backend);
    assert_home(&trial.flush(), 1);
    let error = trial.backend.status().last_error.unwrap();
    assert!(error.contains("timed out"), "{error}");
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_redirect_is_not_followed_and_its_target_hears_nothing() {
    let elsewhere = Server::start(vec![]);
    for code in [301, 302, 303, 307, 308] {
        for target in [elsewhere.url(), "/api/v2/logs".to_owned()] {
            let server = Server::start(vec![Act::Redirect(code, target)]);
            let trial = Trial::new(1, Backend::builder(server.url()).token("t-1"));
            assert_home(&trial.flush(), 1);
            assert_eq!(server.seen().len(), 2, "{code}: kept and sent again");
            let error = trial.backend.status().last_error.unwrap();
            assert!(error.contains(&format!("({code})")), "{error}");
        }
    }
    assert_eq!(elsewhere.seen().len(), 0);
}

#[test]
fn a_new_endpoint_gets_what_the_old_one_refused_unless_it_is_locked() {
    let (wrong, right) = (Server::start(vec![Act::Refuse(404)]), Server::start(vec![]));
    let trial = Trial::new(3, Backend::builder(wrong.url()));
    assert_eq!(trial.flush().why_stopped, WhyStopped::PausedNotFound);
    assert!(trial.backend.set_endpoint("http://relay.example").is_err());
    assert_eq!(
        trial.backend.status().connection,
        Connection::PausedNotFound
    );
    trial.backend.set_endpoint(&right.url()).unwrap();
    assert_home(&trial.flush(), 3);
    assert_eq!(trial.backend.status().endpoint, Some(right.url()));
    assert_eq!((wrong.seen().len(), right.seen().len()), (1, 1));

    trial.backend.lock_endpoint();
    assert_eq!(
        trial.backend.set_endpoint(&wrong.url()),
        Err(EndpointError::Locked)
    );
    let locked = Trial::new(1, Backend::builder(right.url()).lock_endpoint());
    assert_eq!(
        locked.backend.set_endpoint(&wrong.url()),
        Err(EndpointError::Locked)
    );
    assert_home(&locked.flush(), 1);
}

#[test]
fn a_relay_with_a_certificate_of_its_own_needs_its_root() {
    let tls = Tls::new();
    let server = tls.serve();
    let stranger = Trial::new(1, Backend::builder(server.url()));
    let report = stranger.backend.flush(Duration::from_millis(500));
    assert_eq!((report.delivered, report.pending), (0, 1));
    assert_eq!(
        server.seen().len(),
        0,
        "nothing is sent before it is trusted"
    );

    let friend = Backend::builder(server.url()).root_certificates(&tls.root);
    assert_home(&Trial::new(1, friend).flush(), 1);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_relay_that_asks_for_a_certificate_gets_it() {
    let tls = Tls::new().asking_for_clients();
    let server = tls.serve();
    let nobody = Backend::builder(server.url()).root_certificates(&tls.root);
    let nobody = Trial::new(1, nobody);
    let report = nobody.backend.flush(Duration::from_millis(500));
    assert_eq!((report.delivered, report.pending), (0, 1));

    let (certificate, key) = tls.client();
    let known = Backend::builder(server.url())
        .root_certificates(&tls.root)
        .client_certificate(&certificate, &key);
    assert_home(&Trial::new(1, known).flush(), 1);

    let (_, other_key) = tls.client();
    let mixed = Backend::builder(server.url()).client_certificate(&certificate, &other_key);
    let dir = tempfile::tempdir().unwrap();
    let error = mixed
        .start(&DiskQueue::open(dir.path()).unwrap())
        .unwrap_err();
    assert!(
        matches!(
            error,
            tracing_courier::send::BackendError::Certificate(CertificateError::Client { .. })
        ),
        "{error}"
    );
}

#[test]
fn a_body_over_the_relays_limit_is_never_sent() {
    let server = Server::start(vec![]);
    let trial = Trial::new(0, Backend::builder(server.url()).batch_records(1000));
    // A resource that leaves room for one record of that size only.
    let resource = serde_json::Map::from_iter([("big".to_owned(), "x".repeat(700_000).into())]);
    trial
        .queue
        .set_context(&tracing_courier::queue::Context::new(
            Default::default(),
            resource,
        ));
    append(&trial.queue, 0..3000);
    let report = trial.flush();
    assert_eq!((report.delivered, report.pending), (3000, 0));
    for seen in server.seen() {
        assert!(seen.body().len() <= 1 << 20, "{}", seen.body().len());
    }
    let mut numbers = Vec::new();
    for seen in server.seen() {
        numbers.extend(seen.numbers());
    }
    assert!(numbers.into_iter().eq(0..3000));
}
