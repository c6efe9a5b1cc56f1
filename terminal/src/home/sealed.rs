//! An identity under a passphrase: the file that keeps it, byte by byte.
//!
//! ```text
//! "starling sealed 1\n" ‖ KiB: u32 ‖ passes: u32 ‖ lanes: u32 ‖ salt: 16 bytes ‖ nonce: 24 bytes ‖ box
//! box  = XChaCha20-Poly1305 of the identity, with all that is before the box as additional data
//! key  = Argon2id (RFC 9106, version 0x13) of the passphrase with that salt and cost, 32 bytes
//! identity = secret: 32 bytes ‖ name ‖ certificate ‖ its key, each 0x00, or 0x01 ‖ length: u32 ‖ bytes
//! ```
//!
//! Numbers are big-endian. The salt is drawn with each new passphrase, the nonce with each write. A file takes the place of the one before as a whole.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305,
    aead::{Aead as _, Payload},
};
use client::store::IdentityRecord;
use thiserror::Error;
use zeroize::Zeroizing;

use super::write_private;
use crate::{
    config::{PASSPHRASE_COST, PASSPHRASE_COST_MAX, SEALED_BYTES_MAX},
    passphrase::Passphrase,
    store::Certificate,
};

const MAGIC: &[u8] = b"starling sealed 1\n";
// No limit: a part of the format.
const SALT_BYTES: usize = 16;
// No limit: what XChaCha20-Poly1305 takes.
const NONCE_BYTES: usize = 24;
// No limit: what XChaCha20-Poly1305 takes.
const KEY_BYTES: usize = 32;

/// An identity that is not read or kept.
#[derive(Debug, Error)]
pub enum SealError {
    /// It does not open.
    #[error("this is not the passphrase of this identity")]
    Wrong,
    /// It was damaged, or another version made it.
    #[error("the sealed identity is damaged, or a later version of starling made it. Put back a copy of its file")]
    Damaged,
    /// The memory that the passphrase takes is not there.
    #[error("there is not enough memory to check the passphrase")]
    Memory,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Randomness,
    /// The system fails.
    #[error("the sealed identity cannot be read or written")]
    Io(#[from] io::Error),
}

type Cost = (u32, u32, u32);

/// What an identity is sealed with, for as long as the program runs.
pub(super) struct Seal {
    key: Zeroizing<[u8; KEY_BYTES]>,
    salt: [u8; SALT_BYTES],
    cost: Cost,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(a key)")
    }
}

impl Seal {
    /// Of a passphrase that is new.
    pub(super) fn new(passphrase: &Passphrase) -> Result<Self, SealError> {
        Self::with_salt(passphrase, random()?, PASSPHRASE_COST)
    }

    fn with_salt(passphrase: &Passphrase, salt: [u8; SALT_BYTES], cost: Cost) -> Result<Self, SealError> {
        let (kib, passes, lanes) = cost;
        let params = Params::new(kib, passes, lanes, Some(KEY_BYTES)).map_err(|_| SealError::Damaged)?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, key.as_mut_slice())
            .map_err(|_| SealError::Memory)?;
        Ok(Self { key, salt, cost })
    }

    /// Opens a file.
    pub(super) fn open(path: &Path, passphrase: &Passphrase) -> Result<(Self, IdentityRecord<Certificate>), SealError> {
        let mut bytes = Vec::new();
        File::open(path)?.take(SEALED_BYTES_MAX).read_to_end(&mut bytes)?;
        let head = MAGIC.len() + 12 + SALT_BYTES + NONCE_BYTES;
        if !bytes.starts_with(MAGIC) || bytes.len() < head {
            return Err(SealError::Damaged);
        }
        let mut rest = &bytes[MAGIC.len()..head];
        let cost = (number(&mut rest)?, number(&mut rest)?, number(&mut rest)?);
        let most = PASSPHRASE_COST_MAX;
        if cost.0 > most.0 || cost.1 > most.1 || cost.2 > most.2 {
            return Err(SealError::Damaged);
        }
        let (salt, nonce) = (array(&mut rest)?, array::<NONCE_BYTES>(&mut rest)?);
        let seal = Self::with_salt(passphrase, salt, cost)?;
        let (aad, msg) = bytes.split_at(head);
        let opened = seal.cipher().decrypt(&nonce.into(), Payload { msg, aad });
        let opened = Zeroizing::new(opened.map_err(|_| SealError::Wrong)?);
        Ok((seal, decode(&opened)?))
    }

    /// Writes a file that this user alone may read. It is there whole, or as before.
    pub(super) fn write(&self, path: &Path, record: &IdentityRecord<Certificate>) -> Result<(), SealError> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let bytes = self.sealed(nonce, record)?;
        let new = path.with_extension("new");
        write_private(&new, &bytes)?.sync_all()?;
        fs::rename(&new, path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    fn sealed(&self, nonce: [u8; NONCE_BYTES], record: &IdentityRecord<Certificate>) -> Result<Vec<u8>, SealError> {
        let (kib, passes, lanes) = self.cost;
        let mut bytes = MAGIC.to_vec();
        for number in [kib, passes, lanes] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(self.salt);
        bytes.extend(nonce);
        let identity = encode(record);
        let payload = Payload {
            msg: &identity,
            aad: &bytes,
        };
        let boxed = self.cipher().encrypt(&nonce.into(), payload);
        // Only what is longer than 256 GiB is not sealed.
        let boxed = boxed.map_err(|_| SealError::Damaged)?;
        bytes.extend(boxed);
        Ok(bytes)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.key).into())
    }
}

fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| SealError::Randomness)?;
    Ok(bytes)
}

fn encode(record: &IdentityRecord<Certificate>) -> Zeroizing<Vec<u8>> {
    // With room for all of it: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(SEALED_BYTES_MAX).unwrap_or(0)));
    bytes.extend_from_slice(record.secret.as_slice());
    let certificate = record.certificate.as_ref();
    for field in [
        record.name.as_deref().map(str::as_bytes),
        certificate.map(|known| known.certificate.as_slice()),
        certificate.map(|known| known.private_key.as_slice()),
    ] {
        match field {
            Some(field) => {
                bytes.push(1);
                bytes.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
                bytes.extend_from_slice(field);
            }
            None => bytes.push(0),
        }
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Result<IdentityRecord<Certificate>, SealError> {
    let rest = &mut bytes;
    let secret = Zeroizing::new(array(rest)?);
    let name = match field(rest)? {
        Some(name) => Some(String::from_utf8(name.to_vec()).map_err(|_| SealError::Damaged)?),
        None => None,
    };
    let certificate = match (field(rest)?, field(rest)?) {
        (Some(certificate), Some(key)) => Some(Certificate {
            certificate: certificate.to_vec(),
            private_key: Zeroizing::new(key.to_vec()),
        }),
        _ => None,
    };
    Ok(IdentityRecord {
        secret,
        certificate,
        name,
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, SealError> {
    if array::<1>(rest)? == [0] {
        return Ok(None);
    }
    let length = usize::try_from(number(rest)?).unwrap_or(usize::MAX);
    take(rest, length).map(Some)
}

fn number(rest: &mut &[u8]) -> Result<u32, SealError> {
    Ok(u32::from_be_bytes(array(rest)?))
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], SealError> {
    take(rest, N)?.try_into().map_err(|_| SealError::Damaged)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], SealError> {
    let (taken, after) = rest.split_at_checked(length).ok_or(SealError::Damaged)?;
    *rest = after;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So that tests take no second each.
    const CHEAP: Cost = (8, 1, 1);

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.as_bytes()).unwrap()
    }

    fn record() -> IdentityRecord<Certificate> {
        IdentityRecord {
            secret: Zeroizing::new([7; 32]),
            certificate: Some(Certificate {
                certificate: vec![1, 2],
                private_key: vec![3].into(),
            }),
            name: Some("Ann".to_owned()),
        }
    }

    #[test]
    fn the_bytes_of_a_sealed_identity_are_these() {
        let seal = Seal::with_salt(&passphrase("correct horse"), [5; SALT_BYTES], CHEAP).unwrap();
        let bytes = seal.sealed([9; NONCE_BYTES], &record()).unwrap();
        let head = [
            b"starling sealed 1\n".as_slice(),
            &[0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1],
            &[5; 16],
            &[9; 24],
        ];
        let head = head.concat();
        assert_eq!(bytes[..head.len()], head);
        // 32, then 5 + 3, 5 + 2 and 5 + 1, then the tag.
        assert_eq!(bytes.len(), head.len() + 32 + 8 + 7 + 6 + 16);
        assert_eq!(data_encoding::HEXLOWER.encode(&bytes[head.len()..]), GOLDEN);
    }

    #[test]
    fn it_opens_by_its_passphrase_alone_and_only_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.sealed");
        let seal = Seal::with_salt(&passphrase("one"), [5; SALT_BYTES], CHEAP).unwrap();
        seal.write(&path, &record()).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let (again, opened) = Seal::open(&path, &passphrase("one")).unwrap();
        assert_eq!((opened.secret, opened.name.as_deref()), (record().secret, Some("Ann")));
        assert_eq!(opened.certificate, record().certificate);
        // Another name, under the same passphrase.
        let renamed = IdentityRecord {
            name: None,
            certificate: None,
            ..record()
        };
        again.write(&path, &renamed).unwrap();
        let (_, opened) = Seal::open(&path, &passphrase("one")).unwrap();
        assert_eq!((opened.name, opened.certificate), (None, None));
        let wrong = Seal::open(&path, &passphrase("two"));
        assert!(matches!(wrong, Err(SealError::Wrong)), "{wrong:?}");

        let bytes = fs::read(&path).unwrap();
        let costly = MAGIC.len();
        for (at, by) in [(0, 1), (costly, 0x80), (costly + 20, 1), (bytes.len() - 1, 1)] {
            let mut altered = bytes.clone();
            altered[at] ^= by;
            fs::write(&path, altered).unwrap();
            assert!(Seal::open(&path, &passphrase("one")).is_err(), "byte {at}");
        }
        for length in [0, 10, costly + 60, bytes.len() - 1] {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(Seal::open(&path, &passphrase("one")).is_err(), "{length} bytes");
        }
    }

    const GOLDEN: &str = "445278bd24a8c8ca7fd7985909697a9042d14a656bde58c1cf2a3d23e669334118df984a8b4ce0a0b8b047361ae647d7d048948918cf3b368e6737ef4c26823a4ec68e0507";
}
