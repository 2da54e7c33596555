//! Times as people say them, and zones as people name them.
//!
//! ```text
//! 14:02    yesterday 14:02    mon 9am    10 min ago    2026-11-30 14:02    2026-11-30T14:02+05:30    14:02 Kolkata
//! ```
//!
//! Four promises:
//!
//! 1. a time of day is the latest one past, on the day that was named if one was, in the zone that was given
//!    (`a_time_as_people_say_it_is_the_latest_one_past`);
//! 2. a time that happened twice or never, because clocks were set, is refused and the possible ones are named
//!    (`a_time_that_happened_twice_or_never_is_refused_with_what_it_could_be`);
//! 3. a zone is an IANA name, its last part (a city), an offset, `UTC` or `device`; a city of several zones is refused and
//!    they are named (`a_zone_is_a_name_a_city_an_offset_or_the_devices`);
//! 4. the answer says which zone was taken, also when the time brought its own
//!    (`the_zone_that_a_time_brings_wins_and_is_said`).

mod said;
mod zone;

pub use said::moment;
pub use zone::Zone;
