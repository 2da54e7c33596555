//! A fleet of programs in time that stands still, and what a relay may say to one of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::*;
use crate::send::{ManualTime, Request};

/// A relay in memory, for any number of programs.
#[derive(Clone, Default)]
struct Relay(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// What it answers; no answer is a relay out of reach.
    answer: Answer,
    /// When it was asked.
    asked: Vec<Duration>,
    question: String,
    if_none_match: Option<String>,
}

struct Wire(Relay, Time);

impl Relay {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it says this.
    fn says(&self, tag: &str, body: &str) {
        self.state().answer = Answer {
            status: Some(200),
            content_type: Some("application/json".to_owned()),
            etag: Some(tag.to_owned()),
            body: body.as_bytes().to_vec(),
            ..Answer::default()
        };
    }

    fn is_away(&self) {
        self.state().answer = Answer::none("connection refused");
    }
}

impl Transport for Wire {
    fn post(&mut self, _: &Request<'_>) -> Answer {
        Answer::default()
    }

    fn get(&mut self, get: &Get<'_>) -> Answer {
        let mut state = self.0.state();
        state.asked.push(self.1.now());
        state.question = get.path.to_owned();
        state.if_none_match = get.if_none_match.map(str::to_owned);
        let mut answer = state.answer.clone();
        if answer.etag.is_some() && answer.etag.as_deref() == get.if_none_match {
            (answer.status, answer.body) = (Some(304), Vec::new());
        }
        answer
    }

    fn endpoint(&self) -> &str {
        "memory"
    }
}

/// One program.
struct Program {
    follow: Follow,
    levels: Levels,
    queue: DiskQueue,
    wire: Wire,
}

impl Program {
    fn start(root: &std::path::Path, relay: &Relay, time: &ManualTime) -> Self {
        let queue = DiskQueue::open(root).unwrap();
        Self::on(queue, relay, time)
    }

    fn on(queue: DiskQueue, relay: &Relay, time: &ManualTime) -> Self {
        let time = Time::Manual(time.clone());
        let levels = Levels::new("info").unwrap();
        Self {
            follow: Follow::begin(levels.clone(), &queue, &time, &Own::default()),
            levels,
            queue,
            wire: Wire(relay.clone(), time),
        }
    }

    /// What the sender's loop does when something is due.
    fn act(&mut self) {
        self.follow.expire();
        if self.follow.wants_to_ask() {
            self.follow.ask(&mut self.wire, None);
        }
    }

    fn in_force(&self) -> String {
        self.levels.rules().to_string()
    }
}

fn time() -> ManualTime {
    ManualTime::new("2026-02-06T12:00:00Z".parse().unwrap())
}

fn trace_for(seconds: f64) -> String {
    format!(
        r#"{{"min_level":"trace","modules":{{}},"expires_at":"2026-02-06T12:00:00Z","expires_in_seconds":{seconds},"refresh_seconds":600,"rule":"user 7"}}"#
    )
}

const NOTHING: &str =
    r#"{"min_level":"info","modules":{},"expires_at":null,"refresh_seconds":600,"rule":"none"}"#;

#[test]
fn it_asks_with_who_it_is_and_with_the_tag_that_it_has() {
    let (root, relay, time) = (tempfile::tempdir().unwrap(), Relay::default(), time());
    relay.says("\"1\"", NOTHING);
    let mut program = Program::start(root.path(), &relay, &time);
    program.queue.set_context(&crate::queue::Context {
        context: Map::from_iter([
            ("installId".to_owned(), "i 1".into()),
            ("sessionId".to_owned(), "s&1".into()),
        ]),
        resource: Map::from_iter([("service.name".to_owned(), "käse".into())]),
    });
    program.act();
    assert_eq!(
        relay.state().question,
        "/api/v1/config/logging?installId=i%201&sessionId=s%261&service=k%C3%A4se"
    );
    assert_eq!(relay.state().if_none_match, None);
    time.advance(Duration::from_secs(600));
    program.act();
    assert_eq!(relay.state().if_none_match.as_deref(), Some("\"1\""));
    assert_eq!(relay.state().asked.len(), 2);
}

#[test]
fn what_is_for_a_while_ends_by_itself_also_when_the_relay_is_gone() {
    let (root, relay, time) = (tempfile::tempdir().unwrap(), Relay::default(), time());
    relay.says("\"1\"", &trace_for(5.0));
    let mut program = Program::start(root.path(), &relay, &time);
    program.act();
    assert_eq!(program.in_force(), "trace");
    relay.is_away();
    assert_eq!(
        program.follow.due(),
        Duration::from_secs(5),
        "it wakes for the end"
    );
    time.advance(Duration::from_millis(4999));
    program.act();
    assert_eq!(program.in_force(), "trace");
    time.advance(Duration::from_millis(1));
    program.act();
    assert_eq!(program.in_force(), "info");

    let batch = program.queue.drain(10, 10_000).unwrap();
    let lines = String::from_utf8(batch.joined().to_vec()).unwrap();
    let notes: Vec<&str> = lines.matches("\"log_level_changed\"").collect();
    assert_eq!(notes.len(), 2, "{lines}");
    assert!(
        lines.contains(
            r#"{"from":"info","rule":"user 7","to":"trace","until":"2026-02-06T12:00:05Z"}"#
        ),
        "{lines}"
    );
    assert!(
        lines.contains(r#"{"from":"trace","rule":null,"to":"info","until":null}"#),
        "{lines}"
    );
}

#[test]
fn a_restart_goes_on_with_what_is_left_and_then_ends_it() {
    let (root, relay, time) = (tempfile::tempdir().unwrap(), Relay::default(), time());
    relay.says("\"1\"", &trace_for(60.0));
    let mut first = Program::start(root.path(), &relay, &time);
    first.act();
    drop(first);
    relay.is_away();
    time.advance(Duration::from_secs(20));

    let mut second = Program::start(root.path(), &relay, &time);
    assert_eq!(
        second.in_force(),
        "trace",
        "before anything is asked or logged"
    );
    second.act();
    assert_eq!(second.in_force(), "trace", "no answer changes nothing");
    assert_eq!(relay.state().if_none_match.as_deref(), Some("\"1\""));
    time.advance(Duration::from_secs(40));
    second.act();
    assert_eq!(second.in_force(), "info");
    drop(second);
    let third = Program::start(root.path(), &relay, &time);
    assert_eq!(third.in_force(), "info");
}

#[test]
fn a_wall_clock_that_jumps_neither_prolongs_nor_ends_what_runs() {
    let (root, relay) = (tempfile::tempdir().unwrap(), Relay::default());
    // The relay says how much is left; by this device's clock its `expires_at` is long past, or far away.
    for wall in ["2020-01-01T00:00:00Z", "2036-01-01T00:00:00Z"] {
        let time = ManualTime::new(wall.parse().unwrap());
        relay.says("\"1\"", &trace_for(60.0));
        let mut program = Program::start(root.path(), &relay, &time);
        program.follow.etag = None;
        program.act();
        time.advance(Duration::from_secs(59));
        program.act();
        assert_eq!(program.in_force(), "trace", "{wall}");
        time.advance(Duration::from_secs(1));
        program.act();
        assert_eq!(program.in_force(), "info", "{wall}");
    }
}

#[test]
fn what_is_over_does_not_begin_again_by_being_said_again() {
    let (root, relay, time) = (tempfile::tempdir().unwrap(), Relay::default(), time());
    relay.says("\"1\"", &trace_for(5.0));
    let mut program = Program::start(root.path(), &relay, &time);
    program.act();
    time.advance(Duration::from_secs(600));
    program.act();
    assert_eq!(program.in_force(), "info");
    program.follow.hear("\"1\"".to_owned());
    assert!(!program.follow.wants_to_ask(), "it is no news");
}

#[test]
fn an_answer_that_says_no_levels_changes_nothing_and_is_counted() {
    let (root, relay, time) = (tempfile::tempdir().unwrap(), Relay::default(), time());
    relay.says(
        "\"1\"",
        r#"{"min_level":"debug","refresh_seconds":60,"rule":"service 3"}"#,
    );
    let mut program = Program::start(root.path(), &relay, &time);
    program.act();
    assert_eq!(program.in_force(), "debug");
    let answer = |status, content_type: &str, body: &[u8]| Answer {
        status: Some(status),
        content_type: Some(content_type.to_owned()),
        etag: Some("\"2\"".to_owned()),
        body: body.to_vec(),
        ..Answer::default()
    };
    let json = "application/json";
    let good = trace_for(60.0);
    let (mut refused, mut unanswered) = (0, 0);
    for (answer, why) in [
        (
            answer(503, json, br#"{"error":"the relay is stopping"}"#),
            "the relay answered 503",
        ),
        (
            answer(500, json, b""),
            "something between here and the relay answers (500)",
        ),
        (
            answer(301, json, b""),
            "something between here and the relay answers (301)",
        ),
        (
            answer(404, "text/html", b"<html>"),
            "something between here and the relay answers (404)",
        ),
        (
            answer(204, json, b""),
            "something between here and the relay answers (204",
        ),
        (
            answer(200, "text/html", good.as_bytes()),
            "this did not come from a relay",
        ),
        (
            answer(200, "", good.as_bytes()),
            "this did not come from a relay",
        ),
        (answer(200, json, b""), "wrong shape"),
        (answer(200, json, b"<html>"), "wrong shape"),
        (answer(200, json, b"{}"), "wrong shape"),
        (answer(200, json, b"\xff\xfe"), "wrong shape"),
        (
            answer(200, json, br#"{"min_level":"loud","refresh_seconds":60}"#),
            "wrong shape",
        ),
        (
            answer(
                200,
                json,
                br#"{"min_level":"trace","modules":{"a b":"trace"},"refresh_seconds":60}"#,
            ),
            "no module path",
        ),
        (
            answer(200, json, &vec![b' '; MAX_ANSWER_BYTES]),
            "262144 bytes or more",
        ),
        (Answer::none("connection refused"), "connection refused"),
        (Answer::default(), "no answer"),
    ] {
        *(if answer.status.is_some() {
            &mut refused
        } else {
            &mut unanswered
        }) += 1;
        relay.state().answer = answer;
        time.advance(Duration::from_secs(60));
        program.act();
        let status = program.levels.status();
        assert_eq!(
            (status.refused, status.unanswered),
            (refused, unanswered),
            "{why}"
        );
        assert!(status.last_error.unwrap().contains(why), "{why}");
        assert_eq!(
            (status.levels.as_str(), status.rule.as_deref()),
            ("debug", Some("service 3"))
        );
        assert_eq!(program.follow.etag.as_deref(), Some("\"1\""), "{why}");
    }
    relay.says("\"2\"", &good);
    time.advance(Duration::from_secs(60));
    program.act();
    assert_eq!(program.in_force(), "trace");
}

#[test]
fn news_in_the_answer_to_a_batch_are_followed_at_once_and_false_news_once_a_minute() {
    let (root, relay, time) = (tempfile::tempdir().unwrap(), Relay::default(), time());
    relay.says("\"1\"", NOTHING);
    let mut program = Program::start(root.path(), &relay, &time);
    program.act();
    time.advance(Duration::from_secs(5));
    relay.says("\"2\"", &trace_for(60.0));
    program.follow.hear("\"2\"".to_owned());
    program.act();
    assert_eq!(program.in_force(), "trace");

    // A batch of an older session carries another tag; the question of this one gets the same answer.
    let before = relay.state().asked.len();
    for _ in 0..150 {
        time.advance(Duration::from_secs(1));
        program.follow.hear("\"old\"".to_owned());
        program.act();
    }
    let asked = relay.state().asked.len() - before;
    assert!((2..=5).contains(&asked), "{asked} questions in 150 s");
    for tag in ["", "a b", "\n", &"t".repeat(1000)] {
        program.follow.hear(tag.to_owned());
        assert!(!program.follow.wants_to_ask(), "{tag:?} is no tag");
    }
}

/// Steps a fleet through time; each program acts when something is due for it.
fn run(
    programs: &mut [Program],
    time: &ManualTime,
    until: Duration,
    mut step: impl FnMut(Duration),
) {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;
    let mut due: BinaryHeap<_> = programs
        .iter()
        .enumerate()
        .map(|(index, program)| Reverse((program.follow.due(), index)))
        .collect();
    while let Some(Reverse((at, index))) = due.pop() {
        if at > until {
            break;
        }
        step(at);
        time.advance(at.saturating_sub(time.elapsed()));
        programs[index].act();
        due.push(Reverse((programs[index].follow.due(), index)));
    }
}

#[test]
fn a_thousand_programs_ask_evenly_and_a_relay_that_comes_back_meets_no_crowd() {
    const PROGRAMS: usize = 1000;
    let (root, relay, time) = (tempfile::tempdir().unwrap(), Relay::default(), time());
    relay.says("\"1\"", NOTHING);
    // One queue for all: only its context is looked at.
    let queue = DiskQueue::open(root.path()).unwrap();
    let mut programs: Vec<Program> = (0..PROGRAMS)
        .map(|_| Program::on(queue.clone(), &relay, &time))
        .collect();
    let at = Duration::from_secs;
    let (goes, returns, end) = (at(3000), at(4200), at(7800));
    run(&mut programs, &time, end, |now| {
        if (goes..returns).contains(&now) {
            relay.is_away();
        } else {
            relay.says("\"1\"", NOTHING);
        }
    });

    // All of them started in the same moment: that much is not up to them.
    let asked = relay.state().asked.clone();
    let start = asked.iter().filter(|at| at.is_zero()).count();
    assert_eq!(start, PROGRAMS);
    let mut windows = vec![0_usize; 780];
    for at in asked.iter().filter(|at| !at.is_zero()) {
        if let Some(window) = windows.get_mut(at.as_secs() as usize / 10) {
            *window += 1;
        }
    }
    // Every 480 to 600 s: 18.5 in ten seconds on average. Five standard deviations more is chance; a crowd is 1000.
    let most = windows.iter().max().copied().unwrap_or_default();
    let mean = (asked.len() - PROGRAMS) as f64 / windows.len() as f64;
    assert!((16.0..20.0).contains(&mean), "{mean} in ten seconds");
    assert!(most <= 45, "{most} in ten seconds: {windows:?}");
    let after = &windows[420..426];
    assert!(
        after.iter().all(|&window| window <= 45),
        "after the return: {after:?}"
    );
    println!(
        "{mean:.1} questions in ten seconds on average, {most} at most; after the return {after:?}"
    );

    // And nobody waits longer than the interval.
    for program in &programs {
        assert!(program.follow.refresh.due() <= time.elapsed() + at(600));
    }
}
