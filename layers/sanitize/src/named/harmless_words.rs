//! The words of prose, settings and source code that stand where a secret might and are none.

use crate::text::list::List;

/// What is said of a secret in one word.
pub(crate) static STATES: List = List::new(
    "true false null none nil undefined yes no on off ok set unset empty missing required optional \
     present absent enabled disabled valid invalid expired unknown n/a string str &str bool option bytes \
     object failed failure success ok) redacted done started stopped running ready complete completed \
     skipped pending finished passed denied granted accepted rejected loaded created updated deleted \
     rotated refreshed revoked generated hidden masked filtered ask prompt",
);

/// Names of encodings, hashes and protocols, which have letters and digits like a secret.
pub(crate) static FORMS: List = List::new(
    "base64 base64url base32 base58 sha1 sha256 sha512 sha-256 md5 argon2 argon2id bcrypt oauth2 oauth2.0 \
     utf8 utf-8 x509 ed25519 p256 p-256 secp256k1 rs256 hs256 es256 aes256 aes-256 aes128 http2 http/2 \
     ipv4 ipv6 pbkdf2 pkcs8 pkcs12 pkcs1 fido2 u2f ntlmv2 ldapv3 k8s i18n",
);

/// What others leave where a secret was.
pub(crate) static MASKS: List = List::new(
    "xxx xxxx xxxxx xxxxxx xxxxxxxx redacted filtered hidden masked [filtered] [masked] [hidden] \
     [removed] [secret]",
);

/// Ways to authenticate.
pub(crate) static AUTH_MODES: List = List::new(
    "basic bearer digest ntlm kerberos negotiate gssapi oauth oauth2 jwt plain login cram-md5 ldap saml \
     oidc sso apikey api-key api_key tls mtls password token cert certificate anonymous guest iam scram \
     md5 trust peer pam scram-sha-256 open publickey google github local pending passed denied granted \
     skipped default auto required psk include omit same-origin wpa2 external internal",
);

/// First words of what is said about a password or a flag.
pub(crate) static TALK: List = List::new(
    "invalid expired missing required not must is failed unexpected expected the a an no too unknown \
     cannot can't could couldn't wrong denied authentication incorrect rejected mismatch does doesn't \
     didn't do has have was were will should to or and for in with flag option argument instead requires \
     needs at if when on from of use this that your you please only contains contain changed reset \
     updated accepted field may minimum length are it as but supplied provided given value error warning \
     enter permission access user account login never already still been verification check checking \
     validation hash policy prompt there all both either because after before until stored loaded read \
     reading env environment config switch parameter which instead. set get empty same unchanged default \
     disabled enabled timeout connection none bad malformed read write refresh refreshed rotated try trying retry \
     via using by deprecated unsupported ignored password token secret characters cookie",
);
