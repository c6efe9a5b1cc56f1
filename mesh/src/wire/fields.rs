//! How numbered fields are read: what `#[derive(Decode)]` of `wire_derive` calls, so that it is there once and not for each field.

use minicbor::{Decode, Decoder, data::Type, decode::Error};

/// The fields of one value, in the order of their numbers.
pub(crate) struct Fields<'d, 'b> {
    decoder: &'d mut Decoder<'b>,
    /// How many there still are. `None` if their end is marked instead.
    left: Option<u64>,
}

impl<'d, 'b> Fields<'d, 'b> {
    /// The fields of the value that begins here.
    pub(crate) fn begin(decoder: &'d mut Decoder<'b>) -> Result<Self, Error> {
        let left = decoder.array()?;
        Ok(Self { decoder, left })
    }

    /// The next field.
    pub(crate) fn next<T: Decode<'b, ()>>(&mut self) -> Result<T, Error> {
        if self.is_at_end()? {
            return Err(Error::end_of_input());
        }
        self.decoder.decode()
    }

    /// The next field, which may be absent, or null. minicbor's own way to read an `Option` takes its way to [`skip`] along.
    pub(crate) fn next_if_any<T: Decode<'b, ()>>(&mut self) -> Result<Option<T>, Error> {
        if self.is_at_end()? {
            return Ok(None);
        }
        if self.decoder.datatype()? == Type::Null {
            self.decoder.set_position(self.decoder.position() + 1);
            return Ok(None);
        }
        self.decoder.decode().map(Some)
    }

    /// Passes over the fields of a later version.
    pub(crate) fn end(mut self) -> Result<(), Error> {
        while !self.is_at_end()? {
            skip(self.decoder)?;
        }
        if self.left.is_none() {
            // What marks the end.
            self.decoder.set_position(self.decoder.position() + 1);
        }
        Ok(())
    }

    /// Whether there are no more. Counts the next one as read.
    fn is_at_end(&mut self) -> Result<bool, Error> {
        match &mut self.left {
            Some(0) => Ok(true),
            Some(left) => {
                *left -= 1;
                Ok(false)
            }
            None => Ok(self.decoder.datatype()? == Type::Break),
        }
    }
}

/// The number of the variant that begins here. Its fields follow.
pub(crate) fn variant(decoder: &mut Decoder<'_>) -> Result<i64, Error> {
    match decoder.array()? {
        Some(2) => decoder.i64(),
        _ => Err(Error::message("not a pair")),
    }
}

/// Passes over one value, whatever it is (RFC 8949 §3). minicbor's own way takes six times the code: it also looks at what is passed over.
pub(crate) fn skip(decoder: &mut Decoder<'_>) -> Result<(), Error> {
    // How many values are left of each that is not over, the innermost last; nothing where the end is marked instead.
    let mut open = vec![Some(1)];
    while let Some(left) = open.last_mut() {
        if *left == Some(0) {
            open.pop();
            continue;
        }
        let is_marked = left.is_none();
        *left = left.map(|left: u64| left - 1);
        let (kind, count) = head(decoder)?;
        match (kind, count) {
            (7, None) if is_marked => {
                open.pop();
            }
            (7, None) => return Err(Error::message("an end of nothing")),
            // Of a map each pair is two.
            (5, Some(pairs)) => open.push(Some(pairs.saturating_mul(2))),
            (4, count) | (2 | 3 | 5, count @ None) => open.push(count),
            (2 | 3, Some(bytes)) => {
                let bytes = usize::try_from(bytes).map_err(|_| Error::end_of_input())?;
                let end = decoder.position().checked_add(bytes);
                let end = end.filter(|end| *end <= decoder.input().len());
                decoder.set_position(end.ok_or_else(Error::end_of_input)?);
            }
            // A tag is before what it is about.
            (6, Some(_)) => open.push(Some(1)),
            (_, Some(_)) => {}
            (_, None) => return Err(Error::message("a number without a length")),
        }
    }
    Ok(())
}

/// The major type of the value that begins here, and its argument; that is nothing for what has its end marked, and for the mark.
fn head(decoder: &mut Decoder<'_>) -> Result<(u8, Option<u64>), Error> {
    let start = decoder.position();
    let first = *decoder.input().get(start).ok_or_else(Error::end_of_input)?;
    let bytes = match first & 31 {
        24..=27 => 1 << ((first & 31) - 24),
        28..=30 => return Err(Error::message("a length of no meaning")),
        _ => 0,
    };
    let end = start + 1 + bytes;
    let following = decoder.input().get(start + 1..end).ok_or_else(Error::end_of_input)?;
    let argument = match first & 31 {
        31 => None,
        small @ 0..=23 => Some(small.into()),
        _ => Some(following.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))),
    };
    decoder.set_position(end);
    Ok((first >> 5, argument))
}

#[cfg(test)]
mod tests {
    use minicbor::{Decoder, Encode};
    use proptest::prelude::*;

    use crate::wire::codec::{DecodeError, decode, encode};

    #[derive(Debug, PartialEq, Eq, Encode, wire_derive::Decode)]
    struct Seat {
        #[n(0)]
        row: u8,
        #[n(1)]
        name: Option<String>,
        #[cbor(skip)]
        taken: bool,
    }

    #[derive(Debug, PartialEq, Eq, Encode, wire_derive::Decode)]
    enum Ticket<'a> {
        #[n(0)]
        Free,
        #[n(1)]
        Standing {},
        #[n(3)]
        Seated(#[n(0)] Seat, #[b(1)] &'a minicbor::bytes::ByteSlice),
    }

    fn seat(bytes: &[u8]) -> Result<(u8, Option<String>), DecodeError> {
        decode(bytes).map(|Seat { row, name, taken }| {
            assert!(!taken, "a field that is not written is its default");
            (row, name)
        })
    }

    const REFUSED: Result<(u8, Option<String>), DecodeError> = Err(DecodeError::Malformed);

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn one_value_is_passed_over_whole_and_a_part_of_it_is_none(value in value(), tail: Vec<u8>) {
            let input = [value.as_slice(), &tail].concat();
            let mut decoder = Decoder::new(&input);
            prop_assert!(super::skip(&mut decoder).is_ok());
            prop_assert_eq!(decoder.position(), value.len());
            for end in 0..value.len() {
                prop_assert!(super::skip(&mut Decoder::new(&value[..end])).is_err());
            }
        }

        #[test]
        fn of_any_bytes_no_more_is_passed_over_than_there_are(bytes: Vec<u8>) {
            let mut decoder = Decoder::new(&bytes);
            if super::skip(&mut decoder).is_ok() {
                prop_assert!((1..=bytes.len()).contains(&decoder.position()));
            }
        }
    }

    /// A value of any kind, as anybody may write it: an argument may take more bytes than it needs (RFC 8949 §3 and §4.2).
    fn value() -> impl Strategy<Value = Vec<u8>> {
        let number = (prop::sample::select(vec![0, 1, 7]), any::<u64>(), 0..4_u32);
        let leaf = prop_oneof![
            number.prop_map(|(major, number, width)| {
                // So many bits are written, and the simple values below 32 have one way only.
                let number = number & (u64::MAX >> (64 - (8 << width)));
                head(major, if major == 7 { number | 32 } else { number }, width)
            }),
            (2..4_u8, prop::collection::vec(any::<u8>(), 0..20), 0..4_u32)
                .prop_map(|(major, text, width)| string(major, &text, width)),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let some = (prop::collection::vec(inner, 0..6), 0..4_u32);
            prop_oneof![
                some.clone()
                    .prop_map(|(values, width)| [head(4, values.len() as u64, width), values.concat()].concat()),
                some.clone().prop_map(|(values, width)| {
                    let pairs = values.len() / 2;
                    [head(5, pairs as u64, width), values[..pairs * 2].concat()].concat()
                }),
                some.clone()
                    .prop_map(|(values, _)| [vec![0x9f], values.concat(), vec![0xff]].concat()),
                some.clone().prop_map(|(values, _)| {
                    [vec![0xbf], values[..values.len() / 2 * 2].concat(), vec![0xff]].concat()
                }),
                some.clone().prop_map(|(values, width)| {
                    let parts: Vec<u8> = values.iter().flat_map(|part| string(2, part, width)).collect();
                    [vec![0x5f], parts, vec![0xff]].concat()
                }),
                some.prop_map(|(values, width)| {
                    let about = values.into_iter().next().unwrap_or_else(|| vec![0]);
                    [head(6, 1, width), about].concat()
                }),
            ]
        })
    }

    /// A major type with its argument in 1, 2, 4 or 8 bytes.
    fn head(major: u8, argument: u64, width: u32) -> Vec<u8> {
        let bytes = argument.to_be_bytes();
        let info = 24 + u8::try_from(width).expect("it is below four");
        [&[major << 5 | info], &bytes[8 - (1 << width)..]].concat()
    }

    fn string(major: u8, text: &[u8], width: u32) -> Vec<u8> {
        // One byte counts no more.
        let text = &text[..text.len().min(255)];
        [head(major, text.len() as u64, width), text.to_vec()].concat()
    }

    #[test]
    fn what_is_written_is_read() {
        let seat = |name: Option<&str>| Seat {
            row: 7,
            name: name.map(Into::into),
            taken: false,
        };
        for ticket in [
            Ticket::Free,
            Ticket::Standing {},
            Ticket::Seated(seat(None), [1, 2].as_slice().into()),
            Ticket::Seated(seat(Some("Ada")), [].as_slice().into()),
        ] {
            assert_eq!(decode(&encode(&ticket)), Ok(ticket));
        }
    }

    #[test]
    fn a_field_may_be_absent_if_it_may_be_nothing_and_one_of_a_later_version_is_passed_over() {
        assert_eq!(seat(&[0x81, 7]), Ok((7, None)));
        assert_eq!(seat(&[0x82, 7, 0xf6]), Ok((7, None)));
        assert_eq!(
            seat(&[0x84, 7, 0x61, b'a', 0x82, 1, 2, 0xf5]),
            Ok((7, Some("a".into())))
        );
        assert_eq!(seat(&[0x80]), REFUSED);
        assert_eq!(
            seat(&[0x82, 0xf6, 0xf6]),
            REFUSED,
            "nothing where there must be something"
        );
        assert_eq!(seat(&[0x83, 7, 0xf6]), REFUSED, "cut off");
        assert_eq!(seat(&[0xa1, 0, 7]), REFUSED, "not an array");
    }

    #[test]
    fn fields_whose_end_is_marked_are_read_to_the_mark() {
        assert_eq!(seat(&[0x9f, 7, 0xff]), Ok((7, None)));
        assert_eq!(seat(&[0x9f, 7, 0xf6, 1, 0xff]), Ok((7, None)));
        assert_eq!(seat(&[0x9f, 0xff]), REFUSED);
        assert_eq!(seat(&[0x9f, 7, 0xf6]), REFUSED, "no mark");
        assert_eq!(seat(&[0x9f, 7, 0xff, 0]), REFUSED, "something behind it");
    }

    #[test]
    fn any_value_is_passed_over_as_a_whole() {
        for value in [
            &[0x17][..],
            &[0x39, 1, 0],
            &[0x1b, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x43, 1, 2, 3],
            &[0x78, 2, b'a', b'b'],
            &[0x5f, 0x41, 1, 0x42, 2, 3, 0xff],
            &[0x80],
            &[0x82, 1, 0x81, 0x61, b'a'],
            &[0x83, 0x9f, 1, 0xff, 0x9f, 0xa1, 1, 2, 0xff, 3],
            &[0xa2, 1, 2, 3, 0xbf, 4, 5, 0xff],
            &[0xc1, 0xd8, 32, 0x82, 1, 2],
            &[0xf9, 0x3c, 0],
            &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            let after = [value, &[0]].concat();
            let (mut ours, mut theirs) = (Decoder::new(&after), Decoder::new(&after));
            super::skip(&mut ours).unwrap();
            theirs.skip().unwrap();
            assert_eq!(
                (ours.position(), theirs.position()),
                (value.len(), value.len()),
                "{value:?}"
            );
            for end in 0..value.len() {
                assert!(
                    super::skip(&mut Decoder::new(&value[..end])).is_err(),
                    "{value:?} up to {end}"
                );
            }
        }
        for bad in [&[0xff][..], &[0x81, 0xff], &[0x1c], &[0x1f], &[0xdf]] {
            assert!(super::skip(&mut Decoder::new(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_variant_is_a_pair_with_a_known_number() {
        assert_eq!(decode(&[0x82, 0, 0x80]), Ok(Ticket::Free));
        assert_eq!(decode(&[0x82, 1, 0x81, 5]), Ok(Ticket::Standing {}));
        for bad in [
            &[0x82, 2, 0x80][..],
            &[0x82, 3, 0x80],
            &[0x82, 1, 5],
            &[0x81, 0],
            &[0x83, 0, 0x80, 0],
            &[0x82, 0x20, 0x80],
        ] {
            assert_eq!(decode::<Ticket<'_>>(bad), Err(DecodeError::Malformed), "{bad:?}");
        }
    }
}
