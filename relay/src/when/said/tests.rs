use super::*;

/// A Wednesday: in Kolkata it is 19:00 of the same day.
const NOW: &str = "2026-12-02T13:30:00Z";

fn ask(said: &str, zone: &str) -> Result<String, String> {
    let now = NOW.parse().expect("a time");
    let zone = Zone::named(zone, None).expect("a zone");
    let moment = moment(said, &zone, now, Some("America/Sao_Paulo"));
    moment
        .map(|moment| format!("{} {}", moment.zone.show(moment.at), moment.zone.name))
        .map_err(|error| error.to_string())
}

#[test]
fn a_time_as_people_say_it_is_the_latest_one_past() {
    let rows = [
        ("14:02", "Kolkata", "2026-12-02T14:02:00+05:30"),
        ("19:00", "Kolkata", "2026-12-02T19:00:00+05:30"),
        ("19:01", "Kolkata", "2026-12-01T19:01:00+05:30"),
        ("14:02", "UTC", "2026-12-01T14:02:00+00:00"),
        ("13:30:01", "UTC", "2026-12-01T13:30:01+00:00"),
        ("today 14:02", "UTC", "2026-12-02T14:02:00+00:00"),
        ("yesterday 14:02", "UTC", "2026-12-01T14:02:00+00:00"),
        ("Yesterday, 2:02 pm", "UTC", "2026-12-01T14:02:00+00:00"),
        ("mon 9am", "UTC", "2026-11-30T09:00:00+00:00"),
        ("wed 9am", "UTC", "2026-12-02T09:00:00+00:00"),
        ("wednesday 2pm", "UTC", "2026-11-25T14:00:00+00:00"),
        ("thu 12am", "UTC", "2026-11-26T00:00:00+00:00"),
        ("12pm", "UTC", "2026-12-02T12:00:00+00:00"),
        ("9 AM", "UTC", "2026-12-02T09:00:00+00:00"),
        ("10 min ago", "UTC", "2026-12-02T13:20:00+00:00"),
        ("2h ago", "UTC", "2026-12-02T11:30:00+00:00"),
        ("1 week ago", "UTC", "2026-11-25T13:30:00+00:00"),
        ("now", "UTC", "2026-12-02T13:30:00+00:00"),
        ("2026-11-30 14:02", "Kolkata", "2026-11-30T14:02:00+05:30"),
        (
            "2026-11-30T14:02:11",
            "Kolkata",
            "2026-11-30T14:02:11+05:30",
        ),
        ("2026-11-30", "Kolkata", "2026-11-30T00:00:00+05:30"),
    ];
    for (said, zone, at) in rows {
        let answer = ask(said, zone).unwrap_or_else(|error| panic!("{said}: {error}"));
        assert!(answer.starts_with(at), "{said} in {zone}: {answer}");
    }
}

#[test]
fn the_zone_that_a_time_brings_wins_and_is_said() {
    let rows = [
        ("2026-11-30T14:02+05:30", "2026-11-30T14:02:00+05:30 +05:30"),
        ("2026-11-30 14:02:11Z", "2026-11-30T14:02:11+00:00 UTC"),
        (
            "2026-11-30T14:02:11.5+0530",
            "2026-11-30T14:02:11+05:30 +05:30",
        ),
        ("14:02 Kolkata", "2026-12-02T14:02:00+05:30 Asia/Kolkata"),
        ("yesterday 14:02 +05:30", "2026-12-01T14:02:00+05:30 +05:30"),
        (
            "mon 9am new york",
            "2026-11-30T09:00:00-05:00 America/New_York",
        ),
        ("9:00 device", "2026-12-02T09:00:00-03:00 America/Sao_Paulo"),
        (
            "2026-11-30 14:02 Europe/Berlin",
            "2026-11-30T14:02:00+01:00 Europe/Berlin",
        ),
    ];
    for (said, answer) in rows {
        assert_eq!(ask(said, "UTC").as_deref(), Ok(answer), "{said}");
    }
}

#[test]
fn a_time_that_happened_twice_or_never_is_refused_with_what_it_could_be() {
    insta::assert_snapshot!(ask("2026-10-25 02:30", "Berlin").expect_err("twice"), @"2026-10-25 02:30:00 happened twice in Europe/Berlin: 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00");
    insta::assert_snapshot!(ask("2026-03-29 02:30", "Berlin").expect_err("never"), @"2026-03-29 02:30:00 did not happen in Europe/Berlin: the clocks were set forward over it; near it are 2026-03-29T01:30:00+01:00 and 2026-03-29T03:30:00+02:00");
    // With its offset it is one.
    assert!(ask("2026-10-25T02:30+01:00", "Berlin").is_ok());
}

#[test]
fn what_is_no_time_is_refused() {
    let long = "1".repeat(1_000);
    let none = [
        "",
        "soon",
        "14",
        "25:00",
        "14:61",
        "14:02:99",
        "13pm",
        "0am",
        "mon",
        "yesterday",
        "ago",
        "x min ago",
        "99999999999999999999 h ago",
        "9000000000000000 h ago",
        "2026-13-01 10:00",
        "14:02:03:04",
        "-5:00",
        "1e3",
        &long,
        "14:002",
        "\u{661}\u{664}:02",
    ];
    for said in none {
        let refused = ask(said, "UTC");
        assert!(refused.is_err(), "{said}: {refused:?}");
    }
}

#[test]
fn a_zone_is_a_name_a_city_an_offset_or_the_devices() {
    let name = |zone: &str, device| Zone::named(zone, device).map(|zone| zone.name);
    let known = [
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("kolkata", "Asia/Kolkata"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
        ("+05:30", "+05:30"),
        ("-3", "-03"),
        ("UTC+2", "+02"),
        ("device", "Europe/Paris"),
    ];
    for (zone, is) in known {
        assert_eq!(
            name(zone, Some("Europe/Paris")).as_deref(),
            Ok(is),
            "{zone}"
        );
    }
    insta::assert_snapshot!(name("Louisville", None).expect_err("two"), @"`Louisville` could be America/Kentucky/Louisville or America/Louisville");
    insta::assert_snapshot!(name("Kolkatta", None).expect_err("none"), @"`Kolkatta` is no time zone; did you mean Asia/Kolkata?");
    insta::assert_snapshot!(name("Middle Earth", None).expect_err("none"), @"`Middle Earth` is no time zone; give an IANA name, a city, an offset, `UTC` or `device`");
    assert_eq!(name("device", None), Err(NoZone::NoDevice));
    assert_eq!(name("device", Some("device")), Err(NoZone::NoDevice));
    for wrong in ["+25", "+05:99", "+", "5", "+5:3", "+ab"] {
        assert!(name(wrong, None).is_err(), "{wrong}");
    }
}
