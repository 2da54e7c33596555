//! Who says what: the program, the relay without an end, the relay for a while. The last one counts.

use std::time::Duration;

use super::change::InForce;
use super::said::Said;
use super::{Rules, Setting};
use crate::record::Level;

#[derive(Debug)]
pub(super) struct Stack {
    own: Rules,
    standing: Option<Said>,
    /// It ends at a moment of the sender's clock, which nobody sets.
    passing: Option<(Said, Duration)>,
    floor: Level,
    ceiling: Level,
}

impl Stack {
    pub fn new(own: Rules) -> Self {
        Self {
            own,
            standing: None,
            passing: None,
            floor: Level::Error,
            ceiling: Level::Trace,
        }
    }

    pub fn set_own(&mut self, own: Rules) {
        self.own = own;
    }

    pub fn set_floor(&mut self, floor: Level) {
        self.floor = floor.min(Level::Error);
    }

    pub fn set_ceiling(&mut self, ceiling: Level) {
        self.ceiling = ceiling;
    }

    pub fn hear(&mut self, setting: &Setting, now: Duration) {
        let Some(said) = &setting.said else {
            (self.standing, self.passing) = (None, None);
            return;
        };
        match setting.ends_in {
            None => (self.standing, self.passing) = (Some(said.clone()), None),
            // What stood before it stands again after it, unless the relay says otherwise by then.
            Some(left) => self.passing = now.checked_add(left).map(|at| (said.clone(), at)),
        }
        self.expire(now);
    }

    pub fn recall(&mut self, standing: Option<Said>, passing: Option<(Said, Duration)>) {
        (self.standing, self.passing) = (standing, passing);
    }

    pub fn expire(&mut self, now: Duration) {
        self.passing.take_if(|(_, at)| *at <= now);
    }

    pub fn ends_at(&self) -> Option<Duration> {
        self.passing.as_ref().map(|&(_, at)| at)
    }

    pub fn said(&self) -> (Option<Said>, Option<(Said, Duration)>) {
        (self.standing.clone(), self.passing.clone())
    }

    fn relays(&self) -> Option<&Said> {
        let passing = self.passing.as_ref().map(|(said, _)| said);
        passing.or(self.standing.as_ref())
    }

    /// What counts: the program's own levels as they are, the relay's within floor and ceiling.
    pub fn rules(&self) -> Rules {
        match self.relays() {
            None => self.own.clone(),
            Some(said) => said.rules.clone().within(self.floor, self.ceiling),
        }
    }

    pub fn in_force(&self) -> InForce {
        let relays = self.relays();
        InForce {
            levels: self.rules().to_string(),
            rule: relays.map(|said| said.rule.clone()),
            until: relays
                .and_then(|said| said.until)
                .map(|until| until.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(levels: &str, ends_in: Option<u64>) -> Setting {
        Setting {
            said: Some(Said {
                rules: levels.parse().unwrap(),
                rule: "user 7".to_owned(),
                until: None,
            }),
            ends_in: ends_in.map(Duration::from_secs),
            refresh: Duration::from_secs(600),
        }
    }

    #[test]
    fn what_passes_gives_way_to_what_stands_and_that_to_the_programs_own() {
        let now = Duration::from_secs(1000);
        let in_seconds = |seconds| now + Duration::from_secs(seconds);
        let mut stack = Stack::new("info".parse().unwrap());
        let in_force = |stack: &Stack| stack.rules().to_string();

        stack.hear(&setting("warning", None), now);
        assert_eq!(in_force(&stack), "warning");
        stack.hear(&setting("trace", Some(10)), now);
        assert_eq!(in_force(&stack), "trace");
        assert_eq!(stack.ends_at(), Some(in_seconds(10)));
        stack.expire(in_seconds(9));
        assert_eq!(in_force(&stack), "trace");
        stack.expire(in_seconds(10));
        assert_eq!(in_force(&stack), "warning");

        let nothing = Setting {
            said: None,
            ..setting("trace", None)
        };
        stack.hear(&nothing, now);
        assert_eq!(in_force(&stack), "info");
        assert_eq!(stack.in_force().rule, None);
    }

    #[test]
    fn what_is_over_when_it_comes_never_counts() {
        let mut stack = Stack::new("info".parse().unwrap());
        stack.hear(&setting("trace", Some(0)), Duration::ZERO);
        assert_eq!(stack.rules().to_string(), "info");
    }

    #[test]
    fn floor_and_ceiling_bound_the_relay_and_not_the_program() {
        let mut stack = Stack::new("trace".parse().unwrap());
        stack.set_ceiling(Level::Debug);
        stack.set_floor(Level::Info);
        assert_eq!(stack.rules().to_string(), "trace");
        stack.hear(&setting("trace,quiet=fatal", None), Duration::ZERO);
        assert_eq!(stack.rules().to_string(), "debug,quiet=info");
    }
}
