//! A proxy in front that nobody told the relay of makes all clients one address.

use crate::relay::Relay;

#[tokio::test]
async fn a_429_of_the_only_address_says_in_the_log_that_a_proxy_may_be_in_front() {
    let dir = tempfile::tempdir().expect("a directory");
    let relay = Relay::start(dir.path(), &["--rate-requests-per-minute", "3"]);
    let mut last = 0;
    for _ in 0..6 {
        let answer = relay.post("[]").send().await.expect("an answer");
        last = answer.status().as_u16();
    }
    assert_eq!(last, 429);
    let log = relay.log();
    let hints = log
        .matches("is a proxy in front? set --trusted-proxy")
        .count();
    assert_eq!(hints, 1, "once a minute: {log}");
    assert!(log.contains("127.0.0.1"), "{log}");
}

#[tokio::test]
async fn behind_a_trusted_network_clients_are_told_apart() {
    let dir = tempfile::tempdir().expect("a directory");
    let flags = [
        "--rate-requests-per-minute",
        "1",
        "--trusted-proxy",
        "127.0.0.0/8, ::1",
    ];
    let relay = Relay::start(dir.path(), &flags);
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        let answer = relay
            .post("[]")
            .header("x-forwarded-for", client)
            .send()
            .await;
        assert_eq!(answer.expect("an answer").status(), 200, "{client}");
    }
}

/// A proxy of Debian's, before a relay; killed when dropped.
struct Proxy {
    child: std::process::Child,
    address: String,
    _dir: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `program` before the relay at `to`; `None` where it is not installed.
fn proxy(program: &str, to: &str) -> Option<Proxy> {
    use std::process::{Command, Stdio};
    let dir = tempfile::tempdir().expect("a directory");
    let at = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = at.local_addr().expect("an address").to_string();
    drop(at);
    let place = dir.path().display();
    let (text, args) = match program {
        "nginx" => (
            format!(
                "daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;\n\
                 events {{}}\n\
                 http {{ access_log off; client_body_temp_path {place}/b; proxy_temp_path {place}/p;\n\
                 fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;\n\
                 server {{ listen {address}; client_max_body_size 1m;\n\
                 location / {{ proxy_pass http://{to}; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
                 proxy_set_header Host $host;\n\
                 proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}\n"
            ),
            vec!["-e", "stderr", "-c"],
        ),
        _ => (
            format!(
                "defaults\n mode http\n timeout connect 5s\n timeout client 80s\n timeout server 80s\n option forwardfor\n\
                 frontend f\n bind {address}\n default_backend b\n\
                 backend b\n server relay {to}\n"
            ),
            vec!["-db", "-f"],
        ),
    };
    let file = dir.path().join("proxy.conf");
    std::fs::write(&file, text).expect("it is written");
    let started = Command::new(program)
        .args(args)
        .arg(&file)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(child) = started else {
        println!("skipped: there is no {program} (Debian's packages nginx-light and haproxy)");
        return None;
    };
    let proxy = Proxy {
        child,
        address,
        _dir: dir,
    };
    for _ in 0..200 {
        if std::net::TcpStream::connect(&proxy.address).is_ok() {
            return Some(proxy);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{program} does not listen");
}

/// Sends as somebody at `from`; what is answered.
async fn post(proxy: &Proxy, relay: &Relay, from: [u8; 4], forged: &str) -> u16 {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(crate::relay::no_tls())
        .no_proxy()
        .local_address(std::net::IpAddr::from(from))
        .build()
        .expect("a client");
    let answer = client
        .post(format!("http://{}/api/v1/logs", proxy.address))
        .bearer_auth(&relay.token)
        .header("content-type", "application/json")
        .header("x-forwarded-for", forged)
        .body("[]")
        .send()
        .await;
    answer.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn behind_nginx_and_haproxy_each_client_has_its_own_rate() {
    for program in ["nginx", "haproxy"] {
        let dir = tempfile::tempdir().expect("a directory");
        let rate = ["--rate-requests-per-minute", "2"];
        let known = Relay::start(
            dir.path(),
            &[&rate[..], &["--trusted-proxy", "127.0.0.1/32"]].concat(),
        );
        let Some(proxy) = proxy(program, &known.addr) else {
            continue;
        };
        for from in [[127, 0, 0, 2], [127, 0, 0, 3]] {
            let mut answers = Vec::new();
            for forged in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
                answers.push(post(&proxy, &known, from, forged).await);
            }
            assert_eq!(
                answers,
                [200, 200, 429],
                "{program}: what a client forges counts for nothing"
            );
        }
        assert!(
            !known.log().contains("is a proxy in front?"),
            "{program}: {}",
            known.log()
        );
        drop(proxy);

        let dir = tempfile::tempdir().expect("a directory");
        let unknown = Relay::start(dir.path(), &rate);
        let Some(proxy) = self::proxy(program, &unknown.addr) else {
            continue;
        };
        for from in [[127, 0, 0, 2], [127, 0, 0, 3]] {
            post(&proxy, &unknown, from, "192.0.2.1").await;
        }
        assert_eq!(
            post(&proxy, &unknown, [127, 0, 0, 4], "192.0.2.9").await,
            429,
            "{program}"
        );
        assert!(
            unknown
                .log()
                .contains("is a proxy in front? set --trusted-proxy"),
            "{program}"
        );
    }
}
