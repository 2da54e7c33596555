//! A process whose output is drained while it runs, and which does not outlive its handle.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Whatever a trial waits for comes sooner than this, or not at all.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A running process; killed when dropped.
pub struct Process {
    child: Child,
    stdout: Drain,
    stderr: Drain,
}

/// What is left of a process.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: Vec<String>,
    pub stderr: Vec<String>,
}

impl Process {
    /// Starts it, with nothing from the environment that could change what it does.
    pub fn start(command: &mut Command) -> Self {
        Self::start_with(command, &[])
    }

    /// As [`start`](Self::start), with nothing but these variables.
    pub fn start_with(command: &mut Command, variables: &[(&str, &str)]) -> Self {
        let mut child = command
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = Drain::start(child.stdout.take().expect("it is piped"));
        let stderr = Drain::start(child.stderr.take().expect("it is piped"));
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Waits until it has printed so many lines.
    pub fn wait_for_lines(&self, count: usize) {
        if !self.stdout.has_lines(count) {
            let (out, err) = (self.stdout.len(), self.stderr.lines());
            panic!("{out} lines instead of {count}; stderr: {err:#?}");
        }
    }

    /// The first line that it prints, if it prints one before it ends.
    pub fn first_line(&self) -> Option<String> {
        self.stdout.has_lines(1);
        self.stdout.lines().into_iter().next()
    }

    /// Waits until it has printed so many lines more.
    pub fn wait_for_more_lines(&self, count: usize) {
        self.wait_for_lines(self.stdout.len() + count);
    }

    /// SIGKILL.
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("it can be killed");
        self.wait()
    }

    /// SIGTERM.
    pub fn terminate(self) -> Ended {
        let sent = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
        self.wait()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        let status = poll("the end of a process", || {
            self.child.try_wait().expect("it can be waited for")
        });
        self.stdout.join();
        self.stderr.join();
        Ended {
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout.lines(),
            stderr: self.stderr.lines(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until there is an answer.
///
/// # Panics
/// When there is none in time.
pub fn poll<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whole lines, read as they come: a full pipe would stop the process.
struct Drain {
    heard: Arc<Heard>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Heard {
    lines: Mutex<(Vec<String>, bool)>,
    more: Condvar,
}

impl Drain {
    fn start(pipe: impl Read + Send + 'static) -> Self {
        let heard = Arc::new(Heard::default());
        let thread = std::thread::spawn({
            let heard = Arc::clone(&heard);
            move || {
                let mut pipe = BufReader::new(pipe);
                let mut line = Vec::new();
                // A line that a kill cut short is not one.
                while pipe.read_until(b'\n', &mut line).is_ok() && line.pop() == Some(b'\n') {
                    let text = String::from_utf8_lossy(&line).into_owned();
                    line.clear();
                    heard.lines().0.push(text);
                    heard.more.notify_all();
                }
                heard.lines().1 = true;
                heard.more.notify_all();
            }
        });
        Self {
            heard,
            thread: Some(thread),
        }
    }

    fn has_lines(&self, count: usize) -> bool {
        let (lines, _) = self
            .heard
            .more
            .wait_timeout_while(self.heard.lines(), PATIENCE, |(lines, is_closed)| {
                lines.len() < count && !*is_closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        lines.0.len() >= count
    }

    fn len(&self) -> usize {
        self.heard.lines().0.len()
    }

    fn lines(&self) -> Vec<String> {
        self.heard.lines().0.clone()
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Heard {
    fn lines(&self) -> std::sync::MutexGuard<'_, (Vec<String>, bool)> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
