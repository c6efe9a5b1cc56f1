//! An identity as a file, to be taken to another device: a text under a passphrase.
//!
//! ```text
//! "starling identity 1\n" ‖ base64url(rounds: u32 ‖ salt: 16 bytes ‖ box) ‖ "\n"
//! key  = PBKDF2 (RFC 8018 §5.2) with HMAC-SHA256 of the passphrase, that salt and so many rounds, 32 bytes
//! box  = ChaCha20-Poly1305 of the identity under that key, nonce 0, with "starling identity 1\n" ‖ rounds ‖ salt as additional data
//! identity = secret: 32 bytes ‖ the person's name, UTF-8, empty if there is none
//! ```
//!
//! Numbers are big-endian. The passphrase is the bytes of its UTF-8. The salt is drawn for each file, so a key seals one box, and the nonce can be the same.
//!
//! Deviation: Argon2id (RFC 9106) would make guessing dearer for the same wait. It would also be some ten kilobytes more that every visitor of the page downloads,
//! while all that PBKDF2 is made of is in the page already. It runs here, and not in the browser's Web Cryptography, because a page that came over plain http has none.

use std::{fmt, str::from_utf8};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::limits::{
    PORTABLE_BYTES_MAX, PORTABLE_PASSPHRASE_CHARS_MIN, PORTABLE_ROUNDS, PORTABLE_ROUNDS_MAX, PORTABLE_STEP_ROUNDS,
};

const MAGIC: &str = "starling identity 1\n";
// No limit: a part of the format.
const SALT_BYTES: usize = 16;
// No limit: a part of the format.
const HEAD_BYTES: usize = 4 + SALT_BYTES;
// No limit: the key of ChaCha20, and a block of SHA-256.
const KEY_BYTES: usize = 32;

/// Who somebody is, wherever they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Portable {
    /// See [`Identity::secret`](crate::Identity::secret).
    pub secret: Zeroizing<[u8; 32]>,
    /// The person's name, if one was chosen.
    pub name: Option<String>,
}

impl fmt::Debug for Portable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Portable(a secret)")
    }
}

/// A passphrase that nothing is put under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a passphrase has at least {PORTABLE_PASSPHRASE_CHARS_MIN} characters: whoever guesses it is you")]
pub struct TooShort;

/// A file that gives no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PortableError {
    /// It is something else, was cut off, or a later version made it.
    #[error("this file is no identity, or not all of it: save it once more where it came from")]
    NotOne,
    /// It does not open.
    #[error("this is not the passphrase of this file, or the file was altered")]
    Wrong,
}

impl Portable {
    /// The file. `salt`: unpredictable. `pause` is awaited again and again meanwhile, for this takes a second or so.
    ///
    /// # Errors
    /// [`TooShort`].
    pub async fn seal(
        &self,
        passphrase: &str,
        salt: [u8; SALT_BYTES],
        pause: impl AsyncFn(),
    ) -> Result<Zeroizing<String>, TooShort> {
        if passphrase.chars().count() < PORTABLE_PASSPHRASE_CHARS_MIN {
            return Err(TooShort);
        }
        let mut bytes = PORTABLE_ROUNDS.to_be_bytes().to_vec();
        bytes.extend(salt);
        let cipher = cipher(passphrase, &salt, PORTABLE_ROUNDS, pause).await;
        // With room for all of it: a buffer that grows leaves copies behind.
        let mut identity = Zeroizing::new(Vec::with_capacity(PORTABLE_BYTES_MAX));
        identity.extend_from_slice(self.secret.as_slice());
        identity.extend_from_slice(self.name.as_deref().unwrap_or_default().as_bytes());
        let (msg, aad) = (&**identity, &*associated(&bytes));
        let sealed = cipher.encrypt(&Default::default(), Payload { msg, aad });
        bytes.extend(sealed.expect("invariant: an identity is short"));
        Ok(Zeroizing::new(format!(
            "{MAGIC}{}\n",
            Base64UrlUnpadded::encode_string(&bytes)
        )))
    }

    /// Reads a file. `pause` as in [`Portable::seal`].
    ///
    /// # Errors
    /// [`PortableError`].
    pub async fn open(file: &str, passphrase: &str, pause: impl AsyncFn()) -> Result<Self, PortableError> {
        // White space comes along when a text is copied, and files get other ends of lines.
        let (first, text) = file.trim().split_once('\n').ok_or(PortableError::NotOne)?;
        if first.trim_end() != MAGIC.trim_end() || text.len() > PORTABLE_BYTES_MAX * 2 {
            return Err(PortableError::NotOne);
        }
        let bytes = Base64UrlUnpadded::decode_vec(text.trim()).map_err(|_| PortableError::NotOne)?;
        let (head, msg) = bytes.split_at_checked(HEAD_BYTES).ok_or(PortableError::NotOne)?;
        let (rounds, salt) = head.split_first_chunk().ok_or(PortableError::NotOne)?;
        let rounds = u32::from_be_bytes(*rounds);
        if !(1..=PORTABLE_ROUNDS_MAX).contains(&rounds) {
            return Err(PortableError::NotOne);
        }
        let cipher = cipher(passphrase, salt, rounds, pause).await;
        let aad = &*associated(head);
        let opened = cipher.decrypt(&Default::default(), Payload { msg, aad });
        let opened = Zeroizing::new(opened.map_err(|_| PortableError::Wrong)?);
        let (secret, name) = opened.split_first_chunk().ok_or(PortableError::NotOne)?;
        let name = from_utf8(name).map_err(|_| PortableError::NotOne)?;
        Ok(Self {
            secret: Zeroizing::new(*secret),
            name: (!name.is_empty()).then(|| name.to_owned()),
        })
    }
}

fn associated(head: &[u8]) -> Vec<u8> {
    [MAGIC.as_bytes(), head].concat()
}

/// PBKDF2 for one block.
async fn cipher(passphrase: &str, salt: &[u8], rounds: u32, pause: impl AsyncFn()) -> ChaCha20Poly1305 {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(passphrase.as_bytes());
    let mac = mac.expect("invariant: a key of HMAC has any length");
    let hash = |parts: [&[u8]; 2]| {
        let mut mac = mac.clone();
        for part in parts {
            mac.update(part);
        }
        Zeroizing::new(<[u8; KEY_BYTES]>::from(mac.finalize().into_bytes()))
    };
    let mut block = hash([salt, &1_u32.to_be_bytes()]);
    let mut key = block.clone();
    for round in 1..rounds {
        if round % PORTABLE_STEP_ROUNDS == 0 {
            pause().await;
        }
        block = hash([block.as_slice(), &[]]);
        for (sum, byte) in key.iter_mut().zip(block.iter()) {
            *sum ^= byte;
        }
    }
    ChaCha20Poly1305::new((&*key).into())
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use proptest::prelude::*;

    use super::*;

    /// Nothing is waited for.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("this waits for something"),
        }
    }

    fn ann() -> Portable {
        Portable {
            secret: [7; 32].into(),
            name: Some("Ann Ærø".to_owned()),
        }
    }

    fn open(file: &str, passphrase: &str) -> Result<Portable, PortableError> {
        now(Portable::open(file, passphrase, async || {}))
    }

    #[test]
    fn an_identity_comes_back_by_its_passphrase_alone() {
        let pauses = Cell::new(0);
        let file = now(ann().seal("correct horse", [5; 16], async || pauses.set(pauses.get() + 1))).unwrap();
        assert_eq!(pauses.get(), (PORTABLE_ROUNDS - 1) / PORTABLE_STEP_ROUNDS);
        assert_eq!(open(&file, "correct horse"), Ok(ann()));
        assert_eq!(open(&file, "correct horsf"), Err(PortableError::Wrong));
        let pasted = format!("\u{feff}\r\n {}", file.replace('\n', "\r\n"));
        assert_eq!(open(pasted.trim_start_matches('\u{feff}'), "correct horse"), Ok(ann()));
        let nameless = Portable { name: None, ..ann() };
        let file = now(nameless.seal("correct horse", [5; 16], async || {})).unwrap();
        assert_eq!(open(&file, "correct horse"), Ok(nameless));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn garbage_is_no_identity(sealed in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes = [&1_u32.to_be_bytes()[..], &sealed].concat();
            let file = format!("{MAGIC}{}", Base64UrlUnpadded::encode_string(&bytes));
            prop_assert!(open(&file, "correct horse").is_err());
        }
    }

    #[test]
    fn what_is_no_file_or_was_altered_opens_nothing() {
        let file = now(ann().seal("correct horse", [5; 16], async || {})).unwrap();
        let line = MAGIC.len();
        for text in ["", "nonsense", MAGIC, &file[..line + 10], &format!("{MAGIC}!!!!")] {
            assert_eq!(open(text, "correct horse"), Err(PortableError::NotOne), "{text:?}");
        }
        assert_eq!(
            open(&file.replace("identity 1", "identity 2"), "correct horse"),
            Err(PortableError::NotOne)
        );
        // A count of rounds that would take an hour.
        let endless = format!("{MAGIC}{}", Base64UrlUnpadded::encode_string(&[255; 100]));
        assert_eq!(open(&endless, "correct horse"), Err(PortableError::NotOne));
        for place in [line + 8, line + 40, file.len() - 3] {
            let other = if file.as_bytes()[place] == b'A' { "B" } else { "A" };
            let mut altered = file.to_string();
            altered.replace_range(place..=place, other);
            assert_eq!(open(&altered, "correct horse"), Err(PortableError::Wrong), "{place}");
        }
    }

    #[test]
    fn a_passphrase_that_is_soon_guessed_is_refused() {
        assert_eq!(now(ann().seal("1234567", [5; 16], async || {})), Err(TooShort));
        assert_eq!(now(ann().seal("", [5; 16], async || {})), Err(TooShort));
    }
}
