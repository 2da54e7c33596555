//! A flush returns by its deadline with a true report, wherever it is called from.

mod scripted;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use scripted::{PATIENCE, Trial, append, receipt, refusal};
use tracing_courier::Backend;
use tracing_courier::send::{Answer, Connection, Report, WhyStopped};

/// Runs a future on a runtime that is none: it parks the thread.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn assert_home(report: &Report, delivered: u64) {
    assert_eq!(report.why_stopped, WhyStopped::Drained);
    assert_eq!((report.delivered, report.pending), (delivered, 0));
}

#[tokio::test(flavor = "current_thread")]
async fn inside_a_current_thread_runtime() {
    let trial = Trial::new(150, |body, _| receipt(body));
    assert_home(&trial.flush(), 150);
    append(&trial.queue, 150..160);
    assert_home(&trial.backend.flush_async(PATIENCE).await, 160);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_a_task_of_a_multi_thread_runtime() {
    let trial = Arc::new(Trial::new(150, |body, _| receipt(body)));
    let backend = Backend::clone(&trial.backend);
    let blocking = tokio::task::spawn(async move { backend.flush(PATIENCE) });
    assert_home(&blocking.await.unwrap(), 150);
    let backend = Backend::clone(&trial.backend);
    let task = tokio::task::spawn(async move { backend.flush_async(PATIENCE).await });
    assert_home(&task.await.unwrap(), 150);
}

#[test]
fn inside_a_block_on_and_on_no_runtime_at_all() {
    let trial = Trial::new(150, |body, _| receipt(body));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let report = runtime.block_on(async { trial.flush() });
    assert_home(&report, 150);
    append(&trial.queue, 150..160);
    assert_home(&block_on(trial.backend.flush_async(PATIENCE)), 160);
}

#[test]
fn in_drop_at_the_end_of_a_scope_and_of_a_thread() {
    /// Flushes as its last act.
    struct Last(Backend, mpsc::Sender<Report>);
    impl Drop for Last {
        fn drop(&mut self) {
            let _ = self.1.send(self.0.flush(PATIENCE));
        }
    }
    thread_local! {
        static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
    }

    let trial = Trial::new(150, |body, _| receipt(body));
    let (reports, reported) = mpsc::channel();
    let last = || Last(Backend::clone(&trial.backend), reports.clone());
    drop(last());
    assert_home(&reported.try_recv().unwrap(), 150);

    append(&trial.queue, 150..160);
    let at_exit = last();
    std::thread::spawn(move || LAST.set(Some(at_exit)))
        .join()
        .unwrap();
    assert_home(&reported.recv_timeout(PATIENCE).unwrap(), 160);

    append(&trial.queue, 160..170);
    let unwinding = last();
    let panicked = std::thread::spawn(move || {
        let _unwinding = unwinding;
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    assert_home(&reported.recv_timeout(PATIENCE).unwrap(), 170);
}

/// A relay that answers when the test says so.
fn held(records: u64) -> (Trial, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (started, on_start) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let trial = Trial::new(records, move |body, _| {
        let _ = started.send(());
        let _ = released.recv();
        receipt(body)
    });
    (trial, on_start, release)
}

#[test]
fn a_future_resolves_at_its_deadline_and_the_sender_goes_on() {
    let (trial, _on_start, release) = held(1);
    let start = Instant::now();
    let report = block_on(trial.backend.flush_async(Duration::from_millis(50)));
    assert_eq!(
        (report.why_stopped, report.pending),
        (WhyStopped::Deadline, 1)
    );
    assert!(start.elapsed() >= Duration::from_millis(50));
    drop(release);
    assert_home(&trial.flush(), 1);
}

#[test]
fn many_that_wait_at_once_share_one_drain() {
    let (trial, on_start, release) = held(1);
    trial.backend.nudge();
    on_start.recv_timeout(PATIENCE).unwrap();
    append(&trial.queue, 1..50);
    let futures: Vec<_> = (0..100)
        .map(|_| trial.backend.flush_async(PATIENCE))
        .collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..10).map(|_| scope.spawn(|| trial.flush())).collect();
        drop(release);
        for future in futures {
            assert_eq!(block_on(future).why_stopped, WhyStopped::Drained);
        }
        for thread in threads {
            assert_eq!(thread.join().unwrap().why_stopped, WhyStopped::Drained);
        }
    });
    assert_eq!(
        trial.sent(),
        [vec![0], (1..50).collect()],
        "one request for all that waited"
    );
}

#[test]
fn a_future_that_is_dropped_or_never_polled_costs_nothing() {
    let (trial, _on_start, release) = held(1);
    drop(trial.backend.flush_async(PATIENCE));
    let unpolled = trial.backend.flush_async(PATIENCE);
    drop(release);
    assert_home(&trial.flush(), 1);
    assert_home(&block_on(unpolled), 1);
}

#[test]
fn on_the_senders_own_thread_it_returns_at_once_and_says_why() {
    let handle: Arc<OnceLock<Backend>> = Arc::default();
    let reports: Arc<Mutex<Vec<Report>>> = Arc::default();
    let provider = {
        let (handle, reports) = (Arc::clone(&handle), Arc::clone(&reports));
        move || {
            let backend: &Backend = handle.wait();
            let mut reports = reports.lock().unwrap();
            reports.push(backend.flush(PATIENCE));
            reports.push(block_on(backend.flush_async(PATIENCE)));
            Ok::<_, String>("t-1".to_owned())
        }
    };
    let trial = Trial::with(
        1,
        |body, _| receipt(body),
        |backend| backend.token_provider(provider),
    );
    handle.set(Backend::clone(&trial.backend)).unwrap();
    let start = Instant::now();
    assert_home(&trial.flush(), 1);
    assert!(start.elapsed() < PATIENCE);
    let reports = reports.lock().unwrap();
    assert_eq!(reports.len(), 2);
    for report in reports.iter() {
        assert_eq!(report.why_stopped, WhyStopped::OnSenderThread);
        assert_eq!(report.pending, 1);
    }
}

#[test]
fn a_paused_sender_sends_every_kind_of_flush_back_early() {
    for (code, why) in [
        (401, WhyStopped::PausedForToken),
        (404, WhyStopped::PausedNotFound),
        (405, WhyStopped::PausedNotFound),
        (415, WhyStopped::PausedNotFound),
    ] {
        let trial = Trial::new(2, move |_, _| refusal(code));
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(trial.flush().why_stopped, why, "{code}");
            let report = block_on(trial.backend.flush_async(PATIENCE));
            assert_eq!((report.why_stopped, report.pending), (why, 2), "{code}");
        }
        assert!(start.elapsed() < PATIENCE);
        assert_eq!(trial.sent().len(), 1, "{code}: a paused sender asks nobody");
    }
}

#[test]
fn the_drop_of_the_guard_flushes_within_its_deadline() {
    let trial = Trial::with(
        150,
        |body, _| receipt(body),
        |backend| backend.drop_deadline(PATIENCE),
    );
    let Trial { backend, queue, .. } = trial;
    drop(backend);
    assert_eq!(queue.pending().records, 0);

    let away = Trial::new(1, |_, _| Answer::none("no network"));
    let start = Instant::now();
    let Trial { backend, queue, .. } = away;
    drop(backend);
    assert!(start.elapsed() < PATIENCE, "its deadline is a millisecond");
    assert_eq!(queue.pending().records, 1);
}

#[test]
fn the_drop_of_the_guard_waits_for_one_try_and_for_none_while_the_sender_waits_to_try_again() {
    let asked_to_wait = || refusal(429).with_retry_after(Duration::from_secs(60));
    type Script = fn() -> Answer;
    let scripts: [(&str, Script); 3] = [
        ("refused", || Answer::none("connection refused")),
        ("503 of a proxy", || Answer::new(503, Vec::new())),
        ("429", asked_to_wait),
    ];
    for (name, answer) in scripts {
        for has_tried in [false, true] {
            let trial = Trial::with(
                2,
                move |_, _| answer(),
                |backend| backend.drop_deadline(PATIENCE),
            );
            if has_tried {
                let report = trial.backend.flush(Duration::from_millis(1));
                assert_eq!(report.why_stopped, WhyStopped::Deadline, "{name}");
                while !matches!(
                    trial.backend.status().connection,
                    Connection::BackingOff { .. }
                ) {
                    std::thread::yield_now();
                }
            }
            let start = Instant::now();
            let Trial {
                backend,
                queue,
                bodies,
                _dir,
            } = trial;
            drop(backend);
            assert!(start.elapsed() < PATIENCE / 4, "{name}");
            assert_eq!(queue.pending().records, 2, "{name}");
            assert_eq!(bodies.lock().unwrap().len(), 1, "{name}: one try");
        }
    }
}
