//! The rules in the store, and who made and removed them.
//!
//! A rule ends at its time, or when the relay has run for as long as the rule was to hold, whichever comes first: so it
//! ends, too, when the relay's clock is set back. How much is left is kept each minute and over a restart; a clock that is
//! set while no relay runs can shorten a rule, and never prolong it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlx::{Connection, SqliteConnection};

use super::forget::forget;
use super::rows::{self, Deed, decode, deed, ends, millis, note, rule};
use super::rule::{Checked, Moment, Rule};
use crate::store::{self, Forgotten, StoreError};

/// The tables, with the one connection that uses them.
#[derive(Debug)]
pub struct Store {
    connection: SqliteConnection,
    file: PathBuf,
    /// When each rule that ends does, by the time that this process runs.
    ends: HashMap<i64, Instant>,
}

impl Store {
    /// Opens the store in `dir`, which the caller has locked.
    ///
    /// # Errors
    ///
    /// When it can't be used: see [`StoreError`].
    pub async fn open(dir: &Path, now: Moment) -> Result<Self, StoreError> {
        let mut connection = store::open(dir).await?;
        let file = store::file(dir);
        match ends(&mut connection, now).await {
            Ok(ends) => Ok(Self {
                connection,
                file,
                ends,
            }),
            Err(source) => Err(StoreError::Database { file, source }),
        }
    }

    /// All rules that have not ended, oldest first.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn rules(&mut self, now: Moment) -> Result<Vec<Rule>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, whom, levels, made_at, expires_at, why, author FROM level_rule
             WHERE expires_at IS NULL OR expires_at > ? ORDER BY id",
        )
        .bind(now.wall.as_millisecond())
        .fetch_all(&mut self.connection)
        .await;
        let rules: Result<Vec<_>, _> = rows.and_then(|rows| rows.iter().map(rule).collect());
        let mut rules = self.named(rules)?;
        for rule in &mut rules {
            rule.ends = self.ends.get(&rule.id).copied();
        }
        rules.retain(|rule| rule.ends.is_none_or(|ends| ends > now.run));
        Ok(rules)
    }

    /// Keeps how much is left of each rule, for the next start.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn keep_left(&mut self, now: Moment) -> Result<(), StoreError> {
        let kept = self.try_keep_left(now).await;
        self.named(kept)
    }

    async fn try_keep_left(&mut self, now: Moment) -> Result<(), sqlx::Error> {
        if self.ends.is_empty() {
            return Ok(());
        }
        let mut transaction = self.connection.begin().await?;
        for (id, ends) in &self.ends {
            sqlx::query("UPDATE level_rule SET left_millis = ? WHERE id = ?")
                .bind(millis(ends.saturating_duration_since(now.run)))
                .bind(id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        self.ends.retain(|_, ends| *ends > now.run);
        Ok(())
    }

    /// Keeps a rule and that it was made. Rules that have ended are dropped on the way.
    ///
    /// # Errors
    ///
    /// What SQLite says; then nothing was changed.
    pub async fn add(&mut self, rule: &Checked, now: Moment) -> Result<Rule, StoreError> {
        let left = rule
            .expires_at
            .map(|at| now.left(at, None).unwrap_or_default());
        let added = self.try_add(rule, now.wall, left).await;
        let mut added = self.named(added)?;
        added.ends = left.and_then(|left| now.run.checked_add(left));
        self.ends.extend(added.ends.map(|ends| (added.id, ends)));
        Ok(added)
    }

    async fn try_add(
        &mut self,
        rule: &Checked,
        now: Timestamp,
        left: Option<Duration>,
    ) -> Result<Rule, sqlx::Error> {
        let whom = serde_json::to_string(&rule.whom).map_err(|error| decode(error.into()))?;
        let mut transaction = self.connection.begin().await?;
        sqlx::query("DELETE FROM level_rule WHERE expires_at <= ? OR left_millis = 0")
            .bind(now.as_millisecond())
            .execute(&mut *transaction)
            .await?;
        let row = sqlx::query(
            "INSERT INTO level_rule (whom, levels, made_at, expires_at, left_millis, why, author) VALUES (?, ?, ?, ?, ?, ?, ?)
             RETURNING id, whom, levels, made_at, expires_at, why, author",
        )
        .bind(whom)
        .bind(rule.rules.to_string())
        .bind(now.as_millisecond())
        .bind(rule.expires_at.map(Timestamp::as_millisecond))
        .bind(left.map(millis))
        .bind(&rule.why)
        .bind(&rule.author)
        .fetch_one(&mut *transaction)
        .await?;
        let rule = rows::rule(&row)?;
        note(&mut transaction, "set", &rule.author, &rule, now).await?;
        transaction.commit().await?;
        Ok(rule)
    }

    /// Removes a rule, and keeps that `author` did; `None` if there is no such rule.
    ///
    /// # Errors
    ///
    /// What SQLite says; then nothing was changed.
    pub async fn remove(
        &mut self,
        id: i64,
        author: &str,
        now: Moment,
    ) -> Result<Option<Rule>, StoreError> {
        if self.ends.get(&id).is_some_and(|ends| *ends <= now.run) {
            return Ok(None);
        }
        let removed = self.try_remove(id, author, now.wall).await;
        self.named(removed)
    }

    async fn try_remove(
        &mut self,
        id: i64,
        author: &str,
        now: Timestamp,
    ) -> Result<Option<Rule>, sqlx::Error> {
        let mut transaction = self.connection.begin().await?;
        let row = sqlx::query(
            "DELETE FROM level_rule WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)
             RETURNING id, whom, levels, made_at, expires_at, why, author",
        )
        .bind(id)
        .bind(now.as_millisecond())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(rule) = row.as_ref().map(rule).transpose()? else {
            return Ok(None);
        };
        note(&mut transaction, "removed", author, &rule, now).await?;
        transaction.commit().await?;
        Ok(Some(rule))
    }

    /// Removes the rules for these ids, and puts what stands for them where notes and the audit of rules have them; how many
    /// rows that changed.
    ///
    /// # Errors
    ///
    /// What SQLite says; then some may still be there.
    pub async fn forget(&mut self, ids: &[Forgotten]) -> Result<u64, StoreError> {
        let forgotten = forget(&mut self.connection, ids).await;
        self.named(forgotten)
    }

    /// What was done last, the latest first.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub async fn deeds(&mut self) -> Result<Vec<Deed>, StoreError> {
        let rows = sqlx::query(
            "SELECT at, action, author, rule FROM level_audit ORDER BY id DESC LIMIT 1000",
        )
        .fetch_all(&mut self.connection)
        .await;
        let deeds = rows.and_then(|rows| rows.iter().map(deed).collect());
        self.named(deeds)
    }

    /// Closes it.
    pub async fn close(self) {
        // What was done was committed.
        let _ = self.connection.close().await;
    }

    fn named<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|source| StoreError::Database {
            file: self.file.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::levels::Whom;

    fn at(wall: &str, run: Instant) -> Moment {
        let wall = wall.parse().expect("a time");
        Moment { wall, run }
    }

    fn rule() -> Checked {
        Checked {
            whom: Whom::Everyone,
            rules: "trace".parse().expect("levels"),
            expires_at: Some("2026-02-06T12:10:00Z".parse().expect("a time")),
            why: String::new(),
            author: String::new(),
        }
    }

    #[tokio::test]
    async fn what_is_left_of_a_rule_is_kept_over_a_restart_with_the_clock_set_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let start = Instant::now();
        let seconds = |seconds| start + Duration::from_secs(seconds);
        let begin = at("2026-02-06T12:00:00Z", start);
        let mut store = Store::open(dir.path(), begin).await.expect("it opens");
        let rule = store.add(&rule(), begin).await.expect("it is kept");
        assert_eq!(rule.ends, Some(seconds(600)));
        let later = at("2026-02-06T12:08:00Z", seconds(480));
        store.keep_left(later).await.expect("it is kept");
        store.close().await;

        // Three days back while nothing runs.
        let mut store = Store::open(dir.path(), at("2026-02-03T12:00:00Z", seconds(0)))
            .await
            .expect("it opens");
        let during = at("2026-02-03T12:01:59Z", seconds(119));
        assert_eq!(store.rules(during).await.expect("rules").len(), 1);
        let after = at("2026-02-03T12:02:00Z", seconds(120));
        assert_eq!(store.rules(after).await.expect("rules").len(), 0);
        assert_eq!(
            store.remove(rule.id, "", after).await.expect("it answers"),
            None
        );
        store.keep_left(after).await.expect("it is kept");
        store.close().await;

        let mut store = Store::open(dir.path(), after).await.expect("it opens");
        assert_eq!(
            store.rules(after).await.expect("rules").len(),
            0,
            "for good"
        );
    }

    #[tokio::test]
    async fn who_is_forgotten_has_no_rule_and_is_in_no_byte_of_the_store() {
        let dir = tempfile::tempdir().expect("a directory");
        let now = at("2026-02-06T12:00:00Z", Instant::now());
        let mut store = Store::open(dir.path(), now).await.expect("it opens");
        for whom in [
            Whom::User("lovelace".to_owned()),
            Whom::Install("i-lovelaces".to_owned()),
            Whom::Everyone,
        ] {
            let made = Checked {
                whom,
                why: "lovelace called".to_owned(),
                ..rule()
            };
            store.add(&made, now).await.expect("it is kept");
        }
        let ids = [Forgotten {
            id: "lovelace".to_owned(),
            stands_for: "#a1b2".to_owned(),
        }];
        assert_eq!(store.forget(&ids).await.expect("it is done"), 6);
        let rules = store.rules(now).await.expect("rules");
        let told: Vec<_> = rules
            .iter()
            .map(|rule| (rule.whom.query(), rule.why.as_str()))
            .collect();
        let why = "#a1b2 called";
        assert_eq!(
            told,
            [
                ("install:i-lovelaces".to_owned(), why),
                ("everyone".to_owned(), why)
            ]
        );
        let deeds = store.deeds().await.expect("deeds");
        let last = deeds.last().expect("the first rule's");
        assert_eq!(last.rule.whom, Whom::User("#a1b2".to_owned()));
        for found in std::fs::read_dir(dir.path()).expect("it lists") {
            let path = found.expect("it lists").path();
            let bytes = std::fs::read(&path).expect("it is read");
            let text = String::from_utf8_lossy(&bytes).replace("lovelaces", "");
            assert!(!text.contains("lovelace"), "{}", path.display());
        }
    }

    #[tokio::test]
    async fn a_store_of_the_first_format_is_taken_over_with_its_rules() {
        let dir = tempfile::tempdir().expect("a directory");
        let options = SqliteConnectOptions::new()
            .filename(store::file(dir.path()))
            .create_if_missing(true);
        let mut old = options.connect().await.expect("it opens");
        sqlx::raw_sql(store::STEPS[0])
            .execute(&mut old)
            .await
            .expect("tables");
        sqlx::raw_sql("INSERT INTO level_rule (whom, levels, made_at, expires_at, why, author) VALUES ('\"everyone\"', 'trace', 0, 1770379800000, '', '')")
            .execute(&mut old).await.expect("a rule");
        old.close().await.expect("it closes");
        let start = Instant::now();
        let now = at("2026-02-06T12:00:00Z", start);
        let mut store = Store::open(dir.path(), now).await.expect("it opens");
        let rules = store.rules(now).await.expect("rules");
        let ends: Vec<_> = rules.iter().map(|rule| rule.ends).collect();
        assert_eq!(ends, [Some(start + Duration::from_secs(600))]);
    }
}
