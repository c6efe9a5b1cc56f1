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

    /// The next field. One that is absent is nothing if it may be.
    pub(crate) fn next<T: Decode<'b, ()>>(&mut self) -> Result<T, Error> {
        if self.is_at_end()? {
            return T::nil().ok_or_else(Error::end_of_input);
        }
        self.decoder.decode()
    }

    /// Passes over the fields of a later version.
    pub(crate) fn end(mut self) -> Result<(), Error> {
        while !self.is_at_end()? {
            self.decoder.skip()?;
        }
        if self.left.is_none() {
            // What marks the end.
            self.decoder.skip()?;
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

#[cfg(test)]
mod tests {
    use minicbor::Encode;

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
