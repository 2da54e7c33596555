//! A real ext4 that loses its power: what reported `Durable` is there after the journal was replayed.
//!
//! Needs root, loop devices, `mkfs.ext4` and `python3` (for one ioctl, since this crate has no unsafe code), and says
//! so where it has to be skipped. 3 cycles in CI; `COURIER_PROOF_ROUNDS=200` makes it 600.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use serde_json::Value;
use tracing_courier::queue::{Appended, DiskQueue, Durability, Line};

/// A file system in a file, mounted.
struct Ext4 {
    image: PathBuf,
    mount: PathBuf,
}

impl Ext4 {
    /// Nothing where this machine does not let us.
    fn make(dir: &Path) -> Option<Self> {
        let made = Self {
            image: dir.join("image"),
            mount: dir.join("mount"),
        };
        File::create(&made.image)
            .and_then(|image| image.set_len(64 << 20))
            .ok()?;
        std::fs::create_dir(&made.mount).ok()?;
        let is_made = runs(
            Command::new("mkfs.ext4")
                .args(["-q", "-F"])
                .arg(&made.image),
        );
        let is_python = runs(Command::new("python3").args(["-c", "import fcntl"]));
        (is_made && is_python && made.mount()).then_some(made)
    }

    fn mount(&self) -> bool {
        runs(
            Command::new("mount")
                .args(["-o", "loop"])
                .arg(&self.image)
                .arg(&self.mount),
        )
    }

    fn unmount(&self) {
        assert!(
            runs(Command::new("umount").arg(&self.mount)),
            "something is still open in it"
        );
    }

    /// A helper that cuts the power as soon as it is told.
    fn switch(&self) -> Switch {
        let mut child = Command::new("python3")
            .args(["-c", CUT_THE_POWER])
            .arg(&self.mount)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        assert_eq!(ready, "ready\n");
        Switch(child)
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        let _ = runs(Command::new("umount").arg(&self.mount));
    }
}

struct Switch(Child);

impl Switch {
    fn off(mut self) {
        self.0.stdin.take().unwrap().write_all(b"off\n").unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

/// EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: nothing that is in memory only gets out any more.
const CUT_THE_POWER: &str = "
import fcntl, os, struct, sys
directory = os.open(sys.argv[1], os.O_RDONLY)
print('ready', flush=True)
sys.stdin.readline()
fcntl.ioctl(directory, 0x8004587D, struct.pack('I', 2))
";

fn runs(command: &mut Command) -> bool {
    command
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn line(n: u64) -> Line {
    let mut line = Line::new();
    let padding = "x".repeat((n % 11 * 70) as usize);
    line.body().extend_from_slice(
        format!("\"timestamp\":\"t\",\"n\":{n},\"pad\":\"{padding}\"}}").as_bytes(),
    );
    line
}

fn number(record: &[u8]) -> Option<u64> {
    let json: Value = serde_json::from_slice(record).unwrap();
    json["n"].as_u64()
}

/// Appends until the power is gone, and returns what was durable before the switch was touched. A sync that runs in
/// that very moment may say yes and be wrong: the ioctl aborts the journal under it, and ext4 does not tell. Where the
/// power is really gone, nobody is there to hear it.
fn write_until_dark(disk: &Ext4, first: u64, dark_after: u64) -> Vec<u64> {
    let queue = DiskQueue::open(disk.mount.join("queues")).unwrap();
    let switch = disk.switch();
    let (written, is_touched) = (AtomicU64::new(0), AtomicBool::new(false));
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let is_touched = &is_touched;
        scope.spawn(move || {
            told.recv().unwrap();
            is_touched.store(true, Ordering::SeqCst);
            switch.off();
        });
        let mut durable = Vec::new();
        for n in first.. {
            let wanted = if n % 3 == 0 {
                Durability::Durable
            } else {
                Durability::PageCache
            };
            match queue.append(&mut line(n), wanted) {
                Appended::Durable if !is_touched.load(Ordering::SeqCst) => durable.push(n),
                Appended::Durable | Appended::InPageCache => {}
                // It is dark.
                _ => break,
            }
            if written.fetch_add(1, Ordering::Relaxed) == dark_after {
                tell.send(()).unwrap();
            }
        }
        durable
    })
}

#[test]
fn what_was_durable_is_there_after_the_power_came_back() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Ext4::make(dir.path()) else {
        eprintln!("skipped: needs root, loop devices, mkfs.ext4 and python3");
        return;
    };
    let rounds = std::env::var("COURIER_PROOF_ROUNDS")
        .ok()
        .and_then(|times| times.parse::<u64>().ok());
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut durable_in_all = 0;
    for round in 0..3 * rounds.unwrap_or(1) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let durable = write_until_dark(&disk, round * 1_000_000, state % 400);
        disk.unmount();
        assert!(disk.mount());
        let queue = DiskQueue::open(disk.mount.join("queues")).unwrap();
        let mut there = BTreeSet::new();
        while let Some(batch) = queue.drain(1000, 1_000_000) {
            there.extend((0..batch.len()).filter_map(|index| number(batch.record(index))));
            queue.confirm(batch.token());
        }
        let gone: Vec<_> = durable.iter().filter(|n| !there.contains(n)).collect();
        assert!(
            gone.is_empty(),
            "round {round}: {gone:?} of {} durable are gone",
            durable.len()
        );
        durable_in_all += durable.len();
    }
    assert!(durable_in_all > 0, "nothing durable proves nothing");
}
