use std::path::Path;
use std::time::{Duration, Instant};

use super::super::letters::Which;
use super::super::{Consumer, DeadLetter, OfferError, Spool, Writer};

async fn open(dir: &Path, max_bytes: u64) -> (Spool, Writer) {
    Spool::open(dir, max_bytes).await.expect("it opens")
}

async fn close(spool: Spool, writer: Writer) {
    spool.stop().await;
    writer.finished().await;
}

/// Puts so many letters of so many bytes aside.
async fn put(spool: &Spool, letters: usize, bytes: usize) {
    let here = spool.cursor(Consumer::Export).expect("it has one");
    let letter = |n: usize| DeadLetter {
        of: Consumer::Export,
        reason: "400: bad".to_owned(),
        body: vec![u8::try_from(n % 256).unwrap_or_default(); bytes],
    };
    let letters = (0..letters).map(letter).collect();
    let put = spool.advance(Consumer::Export, here, letters).await;
    assert_eq!(put, Ok(()));
}

async fn waiting(spool: &Spool) -> usize {
    let frames = spool
        .read(Consumer::Export, 1 << 30)
        .await
        .expect("it reads");
    frames.len()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn they_count_towards_the_cap_and_no_more_once_they_are_gone() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path(), 100_000).await;
    put(&spool, 3, 1000).await;
    let each = 1000 + 8 + 64;
    assert_eq!((spool.dead().letters, spool.dead().bytes), (3, 3 * each));
    assert_eq!(spool.used_bytes(), 3 * each);
    close(spool, writer).await;
    let (spool, writer) = open(dir.path(), 100_000).await;
    assert_eq!(spool.used_bytes(), 3 * each, "also after a restart");
    assert_eq!(spool.remove(Which::Ids(vec![2, 2, 7])).await, Ok(1));
    assert_eq!(spool.used_bytes(), 2 * each);
    assert_eq!(spool.replay(vec![1]).await, Ok(1));
    assert_eq!(spool.dead().bytes, each);
    assert_eq!(spool.remove(Which::Before(u64::MAX)).await, Ok(1));
    assert_eq!(spool.dead().bytes, 0);
    assert_eq!(spool.remove(Which::Before(u64::MAX)).await, Ok(0));
    close(spool, writer).await;
}

#[tokio::test]
async fn they_are_listed_in_pages_by_number_and_by_bytes() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path(), 1 << 30).await;
    put(&spool, 5, 10).await;
    put(&spool, 6, 1 << 20).await;
    let mut pages = Vec::new();
    let mut after = 0;
    loop {
        let page = spool.letters(after, 3).await.expect("it reads");
        let Some(last) = page.last() else { break };
        after = last.id;
        pages.push(page.len());
    }
    assert_eq!(pages, [3, 3, 3, 2]);
    let page = spool.letters(5, 1000).await.expect("it reads");
    assert_eq!(page.len(), 4, "4 MiB");
    close(spool, writer).await;
}

#[tokio::test]
async fn they_are_replayed_a_few_at_a_time_and_what_comes_meanwhile_is_kept_in_between() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path(), 1 << 30).await;
    put(&spool, 1000, 100).await;
    let replaying = spool.clone();
    let replay = tokio::spawn(async move { replaying.replay(Vec::new()).await });
    let mut seen = Vec::new();
    while !replay.is_finished() {
        let left = spool.dead().letters;
        if seen.last() != Some(&left) {
            seen.push(left);
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(replay.await.expect("it ends"), Ok(1000));
    let most = seen.windows(2).map(|pair| pair[0] - pair[1]).max();
    assert!(most.is_some_and(|most| most <= 64), "{seen:?}");
    assert_eq!(waiting(&spool).await, 1000);
    close(spool, writer).await;
}

#[tokio::test]
async fn some_are_replayed_by_number_and_a_full_spool_leaves_the_rest() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path(), 4 * 1100).await;
    put(&spool, 1, 1000).await;
    assert_eq!(spool.replay(vec![9, 1]).await, Ok(1), "there is no 9");
    assert_eq!(spool.replay(vec![]).await, Ok(0), "nothing is there");
    close(spool, writer).await;
    let (spool, writer) = open(dir.path(), 1000).await;
    put(&spool, 2, 10).await;
    let newest = spool.letters(0, 9).await.expect("it reads");
    assert_eq!(
        spool.replay(vec![newest[0].id]).await,
        Ok(0),
        "there is no room"
    );
    assert_ne!(spool.dead().letters, 0);
    close(spool, writer).await;
}

#[tokio::test]
async fn the_oldest_go_for_their_age_or_when_all_take_a_quarter_of_the_cap() {
    let dir = tempfile::tempdir().expect("a directory");
    let (spool, writer) = open(dir.path(), 1 << 30).await;
    put(&spool, 100, 100).await;
    close(spool, writer).await;

    // 100 of 172 bytes; a quarter is 10,000.
    let (spool, writer) = open(dir.path(), 40_000).await;
    until("they are too many", || spool.dead().bytes <= 10_000).await;
    let left = spool.letters(0, 1000).await.expect("it reads");
    assert_eq!(left.len(), 58);
    assert_eq!(left[0].id, 43, "the oldest went");
    assert_eq!(spool.dead().expired, 42);
    close(spool, writer).await;

    let (spool, writer) = open(dir.path(), 1 << 30).await;
    spool.keep_dead_for(Duration::from_nanos(1));
    until("they are too old", || spool.dead().letters == 0).await;
    let offered: Result<(), OfferError> = spool.keep_for(vec![Consumer::Export]).await;
    assert_eq!(offered, Ok(()));
    close(spool, writer).await;
}
