use std::num::NonZeroU32;
use std::time::Duration;

use super::*;

fn limits(records: u32, bytes: u32, requests: u32) -> Limits {
    let rates = Rates {
        records: NonZeroU32::new(records),
        bytes: NonZeroU32::new(bytes),
        requests: NonZeroU32::new(requests),
    };
    Limits::new(&rates, [[10, 0, 0, 1], [10, 0, 0, 2]].into_iter().collect())
}

fn forwarded(hops: &[&str]) -> HeaderMap {
    hops.iter()
        .map(|hop| {
            (
                "x-forwarded-for".parse().expect("a name"),
                hop.parse().expect("a value"),
            )
        })
        .collect()
}

#[test]
fn a_full_minute_may_come_at_once_and_then_a_true_wait() {
    let limits = limits(60, 0, 0);
    assert_eq!(limits.admit_batch("a", 60, 1), Ok(()));
    let Err(ApiError::RateLimited(seconds)) = limits.admit_batch("a", 10, 1) else {
        panic!("it is used up")
    };
    assert!(
        (9..=11).contains(&seconds),
        "ten records take ten seconds, not {seconds}"
    );
    assert_eq!(
        limits.admit_batch("b", 60, 1),
        Ok(()),
        "another user has a minute of their own"
    );
    assert_eq!(
        limits.admit_batch("c", 61, 1),
        Err(ApiError::OverAMinute),
        "it would never fit"
    );
    assert_eq!(limits.admit_batch("c", 0, 0), Ok(()));
}

#[test]
fn bytes_and_addresses_have_rates_of_their_own_and_zero_is_off() {
    let limits = limits(0, 1000, 2);
    assert_eq!(limits.admit_batch("a", 1_000_000, 1000), Ok(()));
    assert!(matches!(
        limits.admit_batch("a", 1, 500),
        Err(ApiError::RateLimited(_))
    ));
    let peer = SocketAddr::from(([192, 0, 2, 1], 1));
    let none = HeaderMap::new();
    assert_eq!(limits.admit_request(peer, &none), Ok(()));
    assert_eq!(limits.admit_request(peer, &none), Ok(()));
    assert!(matches!(
        limits.admit_request(peer, &none),
        Err(ApiError::RateLimited(_))
    ));
    assert_eq!(
        limits.admit_request(SocketAddr::from(([192, 0, 2, 2], 1)), &none),
        Ok(())
    );
}

#[test]
fn only_trusted_proxies_are_believed() {
    let trusted: Networks = [[10, 0, 0, 1], [10, 0, 0, 2]].into_iter().collect();
    let cases = [
        ("192.0.2.9", &["192.0.2.1"][..], "192.0.2.9"),
        ("10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", &["198.51.100.1, 192.0.2.1"], "192.0.2.1"),
        (
            "10.0.0.1",
            &["198.51.100.1, 192.0.2.1, 10.0.0.2"],
            "192.0.2.1",
        ),
        ("10.0.0.1", &["192.0.2.1", "10.0.0.2"], "192.0.2.1"),
        ("::ffff:10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", &["junk"], "10.0.0.1"),
        ("10.0.0.1", &[], "10.0.0.1"),
    ];
    for (peer, hops, client) in cases {
        let address = client_address(
            peer.parse().expect("an address"),
            &forwarded(hops),
            &trusted,
        );
        assert_eq!(address.to_string(), client, "{peer} {hops:?}");
    }
}

#[test]
fn an_ipv6_host_is_its_network() {
    let host = |text: &str| network(text.parse().expect("an address"));
    assert_eq!(host("2001:db8:1:2:3:4:5:6"), host("2001:db8:1:2::1"));
    assert_ne!(host("2001:db8:1:2::1"), host("2001:db8:1:3::1"));
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_no_room_is_asked_to_come_back() {
    let limits = limits(0, 0, 0);
    let all = limits.work(usize::MAX).await.expect("it is empty");
    assert_eq!(
        limits.work(1).await.err(),
        Some(ApiError::Unavailable("the relay is busy"))
    );
    drop(all);
    assert!(limits.work(1).await.is_ok());
}

#[tokio::test]
async fn one_user_has_a_quarter_of_the_room_for_bodies_on_their_way() {
    let limits = limits(0, 0, 0);
    let body = 2 << 20;
    let mut slow = Vec::new();
    for _ in 0..3 {
        slow.push(limits.receive("a", body).await.expect("there is room"));
    }
    assert_eq!(
        limits.receive("a", body).await.err(),
        Some(ApiError::RateLimited(1))
    );
    assert!(limits.receive("b", body).await.is_ok());
    slow.pop();
    assert!(limits.receive("a", body).await.is_ok());
    drop(slow);
    assert!(
        limits
            .receiving_of
            .held
            .lock()
            .expect("it holds")
            .is_empty(),
        "nobody is remembered who has gone"
    );
}

#[tokio::test]
async fn what_turns_out_to_be_small_gives_room_back() {
    let limits = limits(0, 0, 0);
    let mut held = limits.work(usize::MAX).await.expect("it is empty");
    assert_eq!(limits.working.free.available_permits(), 0);
    held.shrink_to(2047);
    assert_eq!(
        limits.working.free.available_permits(),
        WORKING_KIB as usize - 2
    );
    held.shrink_to(1 << 30);
    drop(held);
    assert_eq!(
        limits.working.free.available_permits(),
        WORKING_KIB as usize
    );
}

#[test]
fn who_does_not_listen_is_told_the_same_for_a_second_and_no_longer() {
    let told = Told::default();
    let now = Instant::now();
    let after = |millis| now + Duration::from_millis(millis);
    told.remember("a", Duration::from_secs(10), now);
    assert_eq!(told.wait("a", after(0)), Some(Duration::from_secs(10)));
    assert_eq!(
        told.wait("a", after(900)),
        Some(Duration::from_millis(9100))
    );
    assert_eq!(told.wait("a", after(1000)), None, "it may ask for less now");
    assert_eq!(told.wait("b", after(0)), None);
    told.remember("a", Duration::from_millis(300), now);
    assert_eq!(told.wait("a", after(300)), None, "it is over");

    let limits = limits(60, 0, 0);
    assert_eq!(limits.admit_batch("a", 60, 1), Ok(()));
    assert_eq!(limits.admit_user("a"), Ok(()), "nothing was refused yet");
    assert!(limits.admit_batch("a", 10, 1).is_err());
    assert_eq!(limits.admit_user("a"), Err(ApiError::RateLimited(10)));
    assert_eq!(limits.admit_user("b"), Ok(()));
}
