//! A file system in memory that fails, fills up, tears writes and loses power on demand.
//!
//! 1. What is live is seen by everybody at once, as through the page cache; a killed process takes nothing with it.
//! 2. After a power loss there is what was synced, plus any part of the rest: each 512-byte sector that was written
//!    since the sync came or did not, each new or removed name that was not synced in its directory came or did not.
//! 3. While a thread holds a queue's mutex, it reads, lists, renames and unlinks nothing, whatever it is called for.
//! 4. Where it is asked to, and has not failed yet, it lets no segment go before the order of `order` is kept.
//! 5. After a failed sync the dirty sectors count as clean, as they do on Linux: a later sync does not save them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::super::storage::{Held, Lock, Space, Storage, StoredFile};
use super::held::assert_mutex_is_free;
use super::order::assert_may_go;

/// The file system; clones share it.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Sim(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    files: Vec<Inode>,
    live: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    locks: BTreeMap<usize, u64>,
    /// Goes up when the process is killed: handles of before are dead.
    process: u64,
    next_lock: u64,
    calls: u64,
    plan: Plan,
    max_bytes: Option<u64>,
    keeps_order: bool,
    space: Option<Space>,
    /// From here on handles fail, the dead ones too: nothing is proven any more.
    is_over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Dir,
    File(usize),
}

#[derive(Debug, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors written since the last sync that succeeded.
    dirty: BTreeSet<usize>,
}

/// Which calls fail, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Plan {
    /// The first call that fails, counted from now.
    pub(in super::super) from: u64,
    /// How many calls from that on fail.
    pub(in super::super) calls: u64,
    pub(in super::super) fault: Fault,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Fault {
    #[default]
    Io,
    Full,
    Quota,
    ReadOnly,
    /// Half of the bytes are written, then the disk is full.
    Short,
    /// Syncs alone fail.
    Sync,
    /// Half of the bytes are written, then an error; cutting it off fails too.
    WriteAndCut,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Write,
    Cut,
    Sync,
    Name,
}

impl Sim {
    pub(in super::super) fn fail(&self, plan: Plan) {
        let mut disk = self.disk();
        disk.calls = 0;
        disk.plan = plan;
        disk.keeps_order &= plan.calls == 0;
    }

    pub(in super::super) fn heal(&self) {
        self.fail(Plan::default());
    }

    /// From now on, until a call fails, no segment goes before the order of [`order`](super::order) is kept.
    pub(in super::super) fn keep_order(&self) {
        self.disk().keeps_order = true;
    }

    /// Calls that could have failed since the last plan.
    pub(in super::super) fn calls(&self) -> u64 {
        self.disk().calls
    }

    /// What it says how much room it has; nothing when it can't say.
    pub(in super::super) fn say_space(&self, space: Option<Space>) {
        self.disk().space = space;
    }

    /// Makes the disk this large, in blocks of 4 KiB.
    pub(in super::super) fn resize(&self, max_bytes: Option<u64>) {
        self.disk().max_bytes = max_bytes;
    }

    /// Kills the process: its locks are free, its handles are dead.
    pub(in super::super) fn kill(&self) {
        let mut disk = self.disk();
        disk.process += 1;
        disk.locks.clear();
    }

    /// Ends the history: what is left of its processes may be dropped, and changes nothing.
    pub(in super::super) fn end(&self) {
        let mut disk = self.disk();
        disk.is_over = true;
        disk.keeps_order = false;
        disk.plan = Plan {
            from: 0,
            calls: u64::MAX,
            fault: Fault::Io,
        };
    }

    /// Kills the process and cuts the power. `random` decides what of the unsynced is there afterwards.
    pub(in super::super) fn lose_power(&self, mut random: impl FnMut() -> bool) {
        self.kill();
        let mut disk = self.disk();
        let mut after = disk.durable.clone();
        let paths: BTreeSet<PathBuf> = disk
            .live
            .keys()
            .chain(disk.durable.keys())
            .cloned()
            .collect();
        for path in paths {
            if disk.live.get(&path) != disk.durable.get(&path) && random() {
                match disk.live.get(&path) {
                    Some(&node) => after.insert(path, node),
                    None => after.remove(&path),
                };
            }
        }
        let kept = after.clone();
        after.retain(|path, _| {
            path.ancestors().skip(1).all(|above| {
                above == Path::new("") || above == Path::new("/") || kept.contains_key(above)
            })
        });
        for inode in &mut disk.files {
            inode.lose_power(&mut random);
        }
        disk.live = after.clone();
        disk.durable = after;
    }

    /// The content of each file under `dir`, by name.
    pub(in super::super) fn contents(&self, dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let disk = self.disk();
        let files = disk.live.iter().filter(|(path, _)| path.starts_with(dir));
        files
            .filter_map(|(path, node)| match node {
                Node::File(inode) => Some((path.clone(), disk.files[*inode].live.clone())),
                Node::Dir => None,
            })
            .collect()
    }

    /// What a power loss leaves for certain, by name.
    pub(in super::super) fn durable_contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let disk = self.disk();
        let is_kept = |path: &Path| {
            let mut above = path.ancestors().skip(1);
            above.all(|dir| dir == Path::new("/") || disk.durable.contains_key(dir))
        };
        let files = disk.durable.iter().filter(|(path, _)| is_kept(path));
        files
            .filter_map(|(path, node)| match node {
                Node::File(inode) => Some((path.clone(), disk.files[*inode].durable.clone())),
                Node::Dir => None,
            })
            .collect()
    }

    /// Replaces the content of a file, made if absent with what is above it.
    pub(in super::super) fn put(&self, path: &Path, content: &[u8]) {
        let mut disk = self.disk();
        for above in path.ancestors().skip(1) {
            disk.live.entry(above.to_owned()).or_insert(Node::Dir);
        }
        disk.files.push(Inode {
            live: content.to_vec(),
            durable: content.to_vec(),
            dirty: BTreeSet::new(),
        });
        let inode = disk.files.len() - 1;
        disk.live.insert(path.to_owned(), Node::File(inode));
        disk.durable = disk.live.clone();
    }

    /// Removes a directory with all that is in it, under whoever uses it.
    pub(in super::super) fn remove_tree(&self, dir: &Path) {
        self.disk().live.retain(|path, _| !path.starts_with(dir));
    }

    /// Bytes that files and directories take under `dir`, in blocks.
    pub(in super::super) fn used(&self, dir: &Path) -> u64 {
        self.disk().used(dir)
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap()
    }

    fn file(&self, inode: usize) -> Arc<dyn StoredFile> {
        Arc::new(SimFile {
            sim: self.clone(),
            inode,
            process: self.disk().process,
        })
    }
}

impl Disk {
    fn call(&mut self, call: Call) -> io::Result<()> {
        let plan = self.plan;
        let hits = match plan.fault {
            Fault::Sync => call == Call::Sync,
            Fault::WriteAndCut => matches!(call, Call::Write | Call::Cut),
            Fault::Short => call == Call::Write,
            Fault::Full | Fault::Quota => matches!(call, Call::Write | Call::Name),
            Fault::ReadOnly => call != Call::Sync,
            Fault::Io => call != Call::Cut,
        };
        if !hits {
            return Ok(());
        }
        let at = self.calls;
        self.calls += 1;
        if at < plan.from || at - plan.from >= plan.calls {
            return Ok(());
        }
        Err(match plan.fault {
            Fault::Full | Fault::Short => io::ErrorKind::StorageFull.into(),
            Fault::Quota => io::ErrorKind::QuotaExceeded.into(),
            Fault::ReadOnly => io::ErrorKind::ReadOnlyFilesystem.into(),
            Fault::Io | Fault::Sync | Fault::WriteAndCut => io::Error::other("EIO"),
        })
    }

    fn used(&self, dir: &Path) -> u64 {
        let under = self.live.iter().filter(|(path, _)| path.starts_with(dir));
        under
            .map(|(_, node)| match node {
                Node::Dir => 4096,
                Node::File(inode) => (self.files[*inode].live.len() as u64).next_multiple_of(4096),
            })
            .sum()
    }

    fn room(&self) -> u64 {
        match self.max_bytes {
            None => u64::MAX,
            Some(max_bytes) => max_bytes.saturating_sub(self.used(Path::new("/"))),
        }
    }

    fn make(&mut self, path: &Path, node: Node) -> io::Result<()> {
        self.call(Call::Name)?;
        if self.live.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if !path.parent().is_some_and(|parent| {
            parent == Path::new("/") || self.live.get(parent) == Some(&Node::Dir)
        }) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.live.insert(path.to_owned(), node);
        Ok(())
    }

    fn inode(&self, path: &Path) -> io::Result<usize> {
        match self.live.get(path) {
            Some(Node::File(inode)) => Ok(*inode),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Inode {
    fn write(&mut self, bytes: &[u8], offset: usize) {
        if self.live.len() < offset + bytes.len() {
            self.live.resize(offset + bytes.len(), 0);
        }
        self.live[offset..offset + bytes.len()].copy_from_slice(bytes);
        self.dirty
            .extend(offset / SECTOR..=(offset + bytes.len().max(1) - 1) / SECTOR);
    }

    fn sync(&mut self, is_durable: bool) {
        // Clean in any case; durable only when it succeeded.
        let dirty = std::mem::take(&mut self.dirty);
        if is_durable {
            self.durable.resize(self.live.len(), 0);
            for sector in dirty {
                let from = (sector * SECTOR).min(self.live.len());
                let to = (from + SECTOR).min(self.live.len());
                self.durable[from..to].copy_from_slice(&self.live[from..to]);
            }
        }
    }

    fn lose_power(&mut self, random: &mut impl FnMut() -> bool) {
        let mut after = self.durable.clone();
        for &sector in &self.dirty {
            if random() {
                let from = (sector * SECTOR).min(self.live.len());
                let to = (from + SECTOR).min(self.live.len());
                if after.len() < to {
                    after.resize(to, 0);
                }
                after[from..to].copy_from_slice(&self.live[from..to]);
            }
        }
        // The length may have come without the content.
        if random() && after.len() < self.live.len() {
            after.resize(self.live.len(), 0);
        }
        self.live = after.clone();
        self.durable = after;
        self.dirty.clear();
    }
}

impl Storage for Sim {
    fn space(&self, _: &Path) -> io::Result<Space> {
        self.disk()
            .space
            .ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    fn make_root(&self, root: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        if disk.live.get(root) == Some(&Node::Dir) {
            return Ok(());
        }
        disk.make(root, Node::Dir)?;
        disk.durable.insert(root.to_owned(), Node::Dir);
        Ok(())
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk().make(dir, Node::Dir)
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        assert_mutex_is_free("list");
        let disk = self.disk();
        if disk.live.get(dir) != Some(&Node::Dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = disk.live.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        let mut disk = self.disk();
        let inode = disk.files.len();
        disk.make(path, Node::File(inode))?;
        disk.files.push(Inode::default());
        drop(disk);
        Ok(self.file(inode))
    }

    fn open_to_append(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        let inode = self.disk().inode(path)?;
        Ok(self.file(inode))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        self.open_to_append(path)
    }

    fn file_len(&self, path: &Path) -> io::Result<u64> {
        let disk = self.disk();
        Ok(disk.files[disk.inode(path)?].live.len() as u64)
    }

    fn read(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        assert_mutex_is_free("open to read");
        self.open_to_append(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        assert_mutex_is_free("rename");
        let mut disk = self.disk();
        disk.call(Call::Name)?;
        if disk.live.get(from) == Some(&Node::Dir) {
            // With all that is in it, at once and for good: a power loss in that moment is not tried.
            let disk = &mut *disk;
            for names in [&mut disk.live, &mut disk.durable] {
                let (moved, stay) = std::mem::take(names)
                    .into_iter()
                    .partition::<BTreeMap<_, _>, _>(|(path, _)| path.starts_with(from));
                *names = stay;
                names.extend(moved.into_iter().map(|(path, node)| {
                    let inside = path.strip_prefix(from).unwrap_or(&path);
                    // Joined with nothing it would end in a slash.
                    let is_itself = inside == Path::new("");
                    (
                        if is_itself {
                            to.to_owned()
                        } else {
                            to.join(inside)
                        },
                        node,
                    )
                }));
            }
            return Ok(());
        }
        let inode = disk.inode(from)?;
        disk.live.remove(from);
        disk.live.insert(to.to_owned(), Node::File(inode));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        assert_mutex_is_free("unlink");
        let keeps_order = self.disk().keeps_order;
        if keeps_order {
            assert_may_go(self, path);
        }
        let mut disk = self.disk();
        // A full disk still lets go of what is on it.
        if !matches!(disk.plan.fault, Fault::Full | Fault::Quota) {
            disk.call(Call::Name)?;
        }
        disk.inode(path)?;
        disk.live.remove(path);
        Ok(())
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        assert_mutex_is_free("rmdir");
        let mut disk = self.disk();
        if disk.live.keys().any(|path| path.parent() == Some(dir)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        match disk.live.remove(dir) {
            Some(_) => Ok(()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.call(Call::Sync)?;
        if disk.live.get(dir) != Some(&Node::Dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        disk.durable.retain(|path, _| path.parent() != Some(dir));
        let now: Vec<_> = disk
            .live
            .iter()
            .filter(|(path, _)| path.parent() == Some(dir))
            .map(|(path, node)| (path.clone(), *node))
            .collect();
        disk.durable.extend(now);
        Ok(())
    }

    fn lock(&self, path: &Path, text: &str) -> io::Result<Option<Lock>> {
        assert_mutex_is_free("lock");
        let mut disk = self.disk();
        let inode = match disk.inode(path) {
            Ok(inode) => inode,
            Err(_) => {
                let inode = disk.files.len();
                disk.make(path, Node::File(inode))?;
                disk.files.push(Inode::default());
                inode
            }
        };
        if disk.locks.contains_key(&inode) {
            return Ok(None);
        }
        disk.next_lock += 1;
        let number = disk.next_lock;
        disk.locks.insert(inode, number);
        disk.files[inode].live = text.as_bytes().to_vec();
        drop(disk);
        Ok(Some(Lock::new(SimLock {
            sim: self.clone(),
            inode,
            number,
        })))
    }
}

struct SimLock {
    sim: Sim,
    inode: usize,
    number: u64,
}

impl Held for SimLock {}

impl fmt::Debug for SimLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimLock({})", self.inode)
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut disk = self.sim.disk();
        if disk.locks.get(&self.inode) == Some(&self.number) {
            disk.locks.remove(&self.inode);
        }
    }
}

struct SimFile {
    sim: Sim,
    inode: usize,
    process: u64,
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimFile({})", self.inode)
    }
}

impl SimFile {
    fn disk(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = self.sim.disk();
        if disk.is_over {
            return Err(io::Error::other("the history is over"));
        }
        assert_eq!(disk.process, self.process, "a killed process goes on");
        Ok(disk)
    }
}

impl StoredFile for SimFile {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.disk()?;
        let mut taken = bytes.len();
        let at = disk.files[self.inode].live.len();
        if let Err(error) = disk.call(Call::Write) {
            taken /= 2;
            if disk.plan.fault == Fault::WriteAndCut {
                disk.files[self.inode].write(&bytes[..taken], at);
                return Err(error);
            }
            if disk.plan.fault != Fault::Short || taken == 0 {
                return Err(error);
            }
        }
        let in_last_block = (at as u64).next_multiple_of(4096) - at as u64;
        let room = usize::try_from(disk.room().saturating_add(in_last_block)).unwrap_or(usize::MAX);
        taken = taken.min(room);
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.files[self.inode].write(&bytes[..taken], at);
        Ok(taken)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        assert_mutex_is_free("read");
        let disk = self.disk()?;
        let live = &disk.files[self.inode].live;
        let from = usize::try_from(offset).unwrap().min(live.len());
        let read = buffer.len().min(live.len() - from);
        buffer[..read].copy_from_slice(&live[from..from + read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.disk()?;
        disk.call(Call::Write)?;
        disk.files[self.inode].write(bytes, usize::try_from(offset).unwrap());
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut disk = self.disk()?;
        disk.call(Call::Cut)?;
        let inode = &mut disk.files[self.inode];
        let bytes = usize::try_from(bytes).unwrap();
        inode.live.resize(bytes, 0);
        inode.dirty.insert(bytes / SECTOR);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk()?.files[self.inode].live.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.disk()?;
        let called = disk.call(Call::Sync);
        disk.files[self.inode].sync(called.is_ok());
        called
    }
}

const SECTOR: usize = 512;
