//! What makes the sender pause, and what makes it go on: tokens, networks, endpoints. In time that is moved by hand.

mod scripted;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scripted::{PATIENCE, Trial, append, receipt, status};
use serde_json::Value;
use tracing_courier::send::{
    BackendBuilder, Connection, ManualTime, Network, NetworkKind, OFFLINE_POLL, Time, WhyStopped,
};

fn noon() -> ManualTime {
    ManualTime::new("2026-02-06T12:00:00Z".parse().unwrap())
}

/// Gives what stands there, and counts how often it was asked.
#[derive(Clone, Default)]
struct Wallet {
    token: Arc<Mutex<Option<&'static str>>>,
    asked: Arc<AtomicU64>,
}

impl Wallet {
    fn put(&self, token: &'static str) {
        *self.token.lock().unwrap() = Some(token);
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    fn provider(&self) -> impl FnMut() -> Result<String, &'static str> + Send + 'static {
        let wallet = self.clone();
        move || {
            wallet.asked.fetch_add(1, Ordering::SeqCst);
            let token = *wallet.token.lock().unwrap();
            token.map(str::to_owned).ok_or("nobody is logged in")
        }
    }
}

#[test]
fn a_program_that_has_no_token_yet_pauses_the_sender_and_is_asked_again_backing_off() {
    let (time, wallet) = (noon(), Wallet::default());
    let settings = {
        let (time, provider) = (time.clone(), wallet.provider());
        |backend: BackendBuilder| backend.time(Time::Manual(time)).token_provider(provider)
    };
    let trial = Trial::with(
        3,
        |body, token| {
            assert_eq!(token, Some("t-1"));
            receipt(body)
        },
        settings,
    );
    assert_eq!(trial.flush().why_stopped, WhyStopped::PausedForToken);
    let status = trial.backend.status();
    assert_eq!(status.connection, Connection::PausedForToken);
    assert_eq!(
        status.last_error.as_deref(),
        Some("no token: nobody is logged in")
    );
    for (base, asked) in [(1.0, 2), (2.0, 3), (4.0, 4)] {
        let waited = time.skip().as_secs_f64();
        assert!((base..=base * 1.5).contains(&waited), "{waited} s");
        let _ = time.asleep_for();
        assert_eq!(wallet.asked(), asked);
    }
    assert_eq!(trial.sent().len(), 0, "nothing goes without a token");

    wallet.put("t-1");
    trial.backend.token_changed();
    assert_eq!(trial.flush().why_stopped, WhyStopped::Drained);
    assert_eq!(trial.sent(), [[0, 1, 2]]);
}

#[test]
fn a_token_that_was_refused_is_not_sent_again_and_the_next_one_is() {
    let (time, wallet) = (noon(), Wallet::default());
    wallet.put("old");
    let settings = {
        let (time, provider) = (time.clone(), wallet.provider());
        |backend: BackendBuilder| backend.time(Time::Manual(time)).token_provider(provider)
    };
    let trial = Trial::with(
        3,
        |body, token| match token {
            Some("new") => receipt(body),
            _ => status(401),
        },
        settings,
    );
    assert_eq!(trial.flush().why_stopped, WhyStopped::PausedForToken);
    time.skip();
    time.skip();
    let _ = time.asleep_for();
    assert_eq!(trial.sent().len(), 1, "asked for thrice, sent once");
    assert_eq!(wallet.asked(), 3);
    wallet.put("new");
    time.skip();
    let _ = time.asleep_for();
    assert_eq!(trial.flush().pending, 0);
    assert_eq!(trial.sent().len(), 2);
}

#[test]
fn a_token_provider_is_asked_before_each_batch() {
    let wallet = Wallet::default();
    wallet.put("t-1");
    let provider = wallet.provider();
    let trial = Trial::with(
        250,
        |body, _| receipt(body),
        |backend| backend.token_provider(provider),
    );
    assert_eq!(trial.flush().delivered, 250);
    assert_eq!(wallet.asked(), 3);
}

#[test]
fn a_token_provider_that_panics_or_gives_nonsense_is_a_pause_with_a_reason() {
    for (provider, reason, panics) in [
        (
            Box::new(|| -> Result<String, String> { panic!("on purpose") })
                as Box<dyn FnMut() -> Result<String, String> + Send>,
            "no token: the program's token provider panicked",
            1,
        ),
        (
            Box::new(|| Ok("two\nlines".to_owned())),
            "no token: the token holds a character that no HTTP header can carry (a line break at its end?)",
            0,
        ),
    ] {
        let trial = Trial::with(
            1,
            |body, _| receipt(body),
            |backend| backend.token_provider(provider),
        );
        assert_eq!(trial.flush().why_stopped, WhyStopped::PausedForToken);
        let status = trial.backend.status();
        assert_eq!(status.last_error.as_deref(), Some(reason));
        assert_eq!(status.panics, panics);
        trial.backend.set_token("t-1").unwrap();
        assert_eq!(trial.flush().why_stopped, WhyStopped::Drained, "{reason}");
    }
}

#[cfg(feature = "http")]
#[test]
fn a_token_provider_may_be_a_future_and_one_that_hangs_is_given_up_on() {
    let is_first = AtomicBool::new(true);
    let provider = move || {
        let is_first = is_first.swap(false, Ordering::SeqCst);
        async move {
            if is_first {
                return Err("the login server said 500");
            }
            tokio::task::yield_now().await;
            Ok("t-1".to_owned())
        }
    };
    let trial = Trial::with(
        1,
        |body, _| receipt(body),
        |backend| backend.token_provider_async(provider),
    );
    assert_eq!(trial.flush().why_stopped, WhyStopped::PausedForToken);
    let error = trial.backend.status().last_error;
    assert_eq!(
        error.as_deref(),
        Some("no token: the login server said 500")
    );
    trial.backend.token_changed();
    assert_eq!(trial.flush().why_stopped, WhyStopped::Drained);
}

/// A network that the test switches.
#[derive(Clone)]
struct Switch(Arc<Mutex<Network>>);

impl Switch {
    fn off() -> Self {
        Self(Arc::new(Mutex::new(false.into())))
    }

    fn set(&self, is_online: bool, kind: NetworkKind) {
        *self.0.lock().unwrap() = Network::new(is_online, kind);
    }
}

fn switched(time: &ManualTime, switch: &Switch) -> Trial {
    let (time, switch) = (time.clone(), switch.clone());
    Trial::with(
        3,
        |body, _| receipt(body),
        move |backend| {
            backend
                .time(Time::Manual(time))
                .network_check(move || *switch.0.lock().unwrap())
        },
    )
}

/// `online` and `type` of each change that arrived.
fn changes(trial: &Trial) -> Vec<(bool, String)> {
    let bodies = trial.bodies.lock().unwrap();
    let records = bodies
        .iter()
        .flat_map(|body| body["logs"].as_array().unwrap());
    let changes = records.filter(|record| record["message"] == "network_changed");
    let change = |record: &Value| {
        let attributes = &record["attributes"];
        let kind = attributes["type"].as_str().unwrap().to_owned();
        (attributes["online"].as_bool().unwrap(), kind)
    };
    changes.map(change).collect()
}

#[test]
fn without_a_network_nothing_is_tried_and_once_it_is_back_it_goes_at_once() {
    let (time, switch) = (noon(), Switch::off());
    let trial = switched(&time, &switch);
    assert_eq!(trial.flush().why_stopped, WhyStopped::Offline);
    assert_eq!(trial.backend.status().connection, Connection::Offline);
    for _ in 0..5 {
        assert_eq!(time.skip(), OFFLINE_POLL);
    }
    let _ = time.asleep_for();
    assert_eq!(trial.sent().len(), 0);

    switch.set(true, NetworkKind::Cell);
    trial.backend.network_changed();
    assert_eq!(trial.flush().pending, 0);
    switch.set(true, NetworkKind::Wifi);
    trial.backend.network_changed();
    let _ = time.asleep_for();
    switch.set(false, NetworkKind::Unknown);
    trial.backend.network_changed();
    let _ = time.asleep_for();
    switch.set(true, NetworkKind::Wifi);
    assert!(time.skip() <= OFFLINE_POLL, "it is found by looking, too");
    assert_eq!(trial.flush().pending, 0);
    let expected = [
        (false, "unavailable"),
        (true, "cell"),
        (true, "wifi"),
        (false, "unavailable"),
        (true, "wifi"),
    ];
    assert_eq!(
        changes(&trial),
        expected.map(|(online, kind)| (online, kind.to_owned()))
    );
}

#[test]
fn a_network_that_changes_does_not_shorten_what_the_relay_asked_for() {
    let (time, switch) = (noon(), Switch::off());
    switch.set(true, NetworkKind::Wifi);
    let mut is_first = true;
    let settings = {
        let (time, switch) = (time.clone(), switch.clone());
        move |backend: BackendBuilder| {
            backend
                .time(Time::Manual(time))
                .network_check(move || *switch.0.lock().unwrap())
        }
    };
    let script = move |body: &Value, _: Option<&str>| match std::mem::take(&mut is_first) {
        true => status(503).with_retry_after(Duration::from_secs(100)),
        false => receipt(body),
    };
    let trial = Trial::with(1, script, settings);
    time.skip();
    let _ = time.asleep_for();
    switch.set(true, NetworkKind::Cell);
    trial.backend.network_changed();
    let left = time.asleep_for().expect("it waits");
    assert!(left >= Duration::from_secs(100), "{left:?}");
    assert_eq!(trial.sent().len(), 1);
}

#[test]
fn a_round_that_finds_no_network_keeps_what_was_logged_and_a_stop_still_stops() {
    let (time, switch) = (noon(), Switch::off());
    let trial = switched(&time, &switch);
    append(&trial.queue, 3..5);
    assert_eq!(trial.flush().why_stopped, WhyStopped::Offline);
    assert_eq!(trial.queue.pending().records, 6, "and the change itself");
    let Trial { backend, queue, .. } = trial;
    let handle = tracing_courier::Backend::clone(&backend);
    drop(backend);
    assert_eq!(handle.flush(PATIENCE).why_stopped, WhyStopped::Stopped);
    assert_eq!(queue.pending().records, 6);
}
