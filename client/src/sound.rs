//! The sound of a notification.

use std::f32::consts::FRAC_1_SQRT_2;

/// Samples of [`chirp`] a second.
// No limit: of the sound.
const RATE: u32 = 16_000;

/// A short sound of two tones, a fourth apart, as a file: WAVE with one channel and 8 bits a sample ("Multimedia Programming Interface and Data
/// Specifications 1.0", IBM and Microsoft, 1991).
#[must_use]
pub fn chirp() -> Vec<u8> {
    // No limit: of the sound.
    const BITS: u16 = 8;
    // How long each lasts, in samples; and of its angle from sample to sample, an eighth and a sixth of a turn, cosine and sine.
    // No limit: of the sound.
    const TONES: [(usize, f32, f32); 2] = [(1_200, FRAC_1_SQRT_2, FRAC_1_SQRT_2), (2_800, 0.5, 0.866_025_4)];
    /// How much of it is left from sample to sample.
    // No limit: of the sound.
    const FADES: f32 = 0.997;
    // No limit: of the sound.
    const LOUD: f32 = 50.0;
    let mut samples = Vec::new();
    for (count, cosine, sine) in TONES {
        // A decaying oscillation gives its next value by the two before.
        let (mut before, mut value) = (0.0, sine * FADES);
        for _ in 0..count {
            // No value is larger than one.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "128 ± 50 is a byte"
            )]
            samples.push((128.0 + LOUD * before) as u8);
            (before, value) = (value, 2.0 * cosine * FADES * value - FADES * FADES * before);
        }
    }
    let len = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(44 + samples.len());
    file.extend(b"RIFF");
    file.extend((36 + len).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    // Plain samples, of one channel.
    for half in [1_u16, 1] {
        file.extend(half.to_le_bytes());
    }
    // Samples and bytes a second.
    for word in [RATE, RATE] {
        file.extend(word.to_le_bytes());
    }
    // Bytes and bits a sample.
    for half in [1, BITS] {
        file.extend(half.to_le_bytes());
    }
    file.extend(b"data");
    file.extend(len.to_le_bytes());
    file.extend(samples);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sound_is_short_begins_and_ends_in_silence_and_says_its_lengths() {
        let file = chirp();
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!(
            (&file[..4], &file[8..16], &file[36..40]),
            (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..])
        );
        assert_eq!(usize::try_from(word(4)).unwrap() + 8, file.len());
        assert_eq!(usize::try_from(word(40)).unwrap() + 44, file.len());
        let samples = &file[44..];
        assert!(samples.len() < usize::try_from(RATE).unwrap() / 3);
        let loud = |samples: &[u8]| samples.iter().map(|sample| sample.abs_diff(128)).max().unwrap();
        assert!((40..=50).contains(&loud(samples)), "{}", loud(samples));
        assert!(samples[0] == 128 && loud(&samples[samples.len() - 100..]) <= 1);
    }
}
