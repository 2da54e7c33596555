//! The words around a strong one: those that make a secret of it (`api` before `key`), and those that say that a name
//! only talks about a secret (`token_count`, `max_tokens`).

use crate::text::list::List;

/// `api_key`, but not `cache_key`.
pub(crate) static BEFORE_KEY: List = List::new(
    "access account admin aes api app application auth consumer crypto decryption deploy encryption \
     functions goog hmac instrumentation license link master network preshared priv private recovery s secret \
     session shared signing ssh ssl storage subscription symmetric tls vapid",
);

/// `db_pass`, but not `test_pass`.
pub(crate) static BEFORE_PASS: List = List::new(
    "access admin amqp ansible api app archive auth basic become bind broker camera cert clickhouse \
     client cluster current database db device docker elastic email enc es ftp git grafana host http imap \
     influx irc jks kafka key keystore ldap login mail minio mongo mongodb mqtt mssql my mysql new nexus \
     old oracle p12 pfx pg postgres proxy rabbitmq redis registry repo root router rtsp sa server service \
     sftp sip smtp sonar sql ssh store sudo svn system truststore user vault vpn wifi wlan wpa xmpp zip",
);

/// `X-Vendor-Key`, but not `X-Cache-Key`.
pub(crate) static NOT_IN_HEADER_KEY: List = List::new(
    "batch cache cached correlation dedup deduplication etag feature foreign group hash i18n idempotency index item job \
     lock lookup message nonce object ordering page partition primary public queue rate request route routing row shard sort \
     surrogate tenant trace translation transaction",
);

/// A name that ends in one of these talks about a secret and holds none.
pub(crate) static NOT_LAST: List = List::new(
    "action address age alg algorithm alias allowed arn at attempts audience backend bits bucket buckets \
     budget builder button bytes cache callback capacity changed checker checksum class client cmd column command \
     complexity consent controller converter cost count counts created curve date days db delay description digestor dir \
     disabled decoder dialog domain duration email enabled encoder endpoint endpoints engine entropy error errors event events \
     exception exp expiration expire expired expires expiry factory failed failure failures field file \
     fetcher filename filter fingerprint flow form format found generator go group handler hasher helper hint history hit hits \
     host hours id ids in index interceptor interval iss issuer jar java js kid kind label latency len \
     length level lifetime limit limits listener loader logger manager max message method methods middleware millis min minutes \
     miss misses missing mode module ms msg name names namespace needed offset ok outcome owner page \
     parser path percent phase placeholder plugin policies policy pool port pos position processor prefix present \
     price proto protocol provider py queue quota rate ratio rb reader realm reason redirect ref refreshed refresher \
     region remaining repository request requests required reset resolver result retries retry revoked role roles rotated \
     rotation rotator rs samesite scanner scheme scope scopes score screen sec second seconds secs serializer server service sha \
     size sock socket source stage state status stdin step store strategy strength success supported \
     symbol table thumbprint time timeout timestamp total ts ttl type types updated uri url urls usage \
     used user username valid validator validity verifier version view watcher widget window worker wrapper \
     writer zone",
);

/// A name that begins with one of these says something about a secret.
pub(crate) static NOT_FIRST: List =
    List::new("can has is max min needs num public require requires should supports use uses");

/// The same for tokens only: counters of language models and limiters.
pub(crate) static NOT_FIRST_OF_TOKENS: List = List::new(
    "available avg burst cached completion consumed context estimated generated input mean n output \
     prompt reasoning remaining thinking total used",
);

/// Last segments that hold the secret of the segment before them.
pub(crate) static VALUE_WORDS: List = List::new("data digits header plain raw string text value");

/// Words of the strict profile, anywhere in a name.
pub(crate) static STRICT: List = List::new(
    "cvc cvc2 cvv cvv2 edipi fax iban imei lat latitude lng lon longitude mfa mgrs mobile msisdn otp \
     phone pin sig signature telephone totp",
);

/// Words of the strict profile that are names by themselves only.
pub(crate) static STRICT_ALONE: List = List::new("code key session sid state");
