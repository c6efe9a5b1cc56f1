//! JSON (RFC 8259) as some parser has read it: a browser has one of its own, and programs have `serde_json`, which is more code than a
//! browser should download for a dozen messages.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// A value. What messages have no use for is [`Json::Other`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// A string.
    Text(String),
    /// A number without sign and fraction, of 32 bits.
    Number(u32),
    /// An array.
    List(Vec<Self>),
    /// An object, as pairs of name and value.
    Object(Vec<(String, Self)>),
    /// Anything else.
    Other,
}

impl Json {
    /// The value of a field, if this is an object that has it and it is not null.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        let field = fields.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value)
    }

    /// The text, if this is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::List(_) | Self::Object(_) | Self::Other => None,
        }
    }

    /// The values, if this is a list.
    #[must_use]
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            Self::Text(_) | Self::Number(_) | Self::Object(_) | Self::Other => None,
        }
    }

    /// The texts, if this is a list of nothing else.
    #[must_use]
    pub fn texts(&self) -> Option<Vec<String>> {
        let texts = self.list()?.iter();
        texts.map(|value| value.text().map(str::to_owned)).collect()
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(number.try_into().map_or(Json::Other, Json::Number))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
                Ok(Json::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
                Ok(Json::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
                Ok(Json::Other)
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = values.next_element()? {
                    list.push(value);
                }
                Ok(Json::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
                let mut object = Vec::new();
                while let Some(field) = fields.next_entry()? {
                    object.push(field);
                }
                Ok(Json::Object(object))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// A text as JSON has it, in quotation marks.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    write_quoted(&mut quoted, text, |_| false);
    quoted
}

/// Writes a text as JSON has it, in quotation marks, with escapes for what needs them and for what else is `escaped`: characters of the basic
/// plane.
pub fn write_quoted(out: &mut String, text: &str, escaped: impl Fn(char) -> bool) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            _ if character <= '\u{1f}' || escaped(character) => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_messages_have_no_use_for_is_other() {
        let read = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        for text in ["null", "true", "-1", "1.5", "4294967296", "1e3"] {
            assert_eq!(read(text), Json::Other, "{text}");
        }
        assert_eq!(read("4294967295"), Json::Number(u32::MAX));
        assert_eq!(read(r#"["a",1,{}]"#).list().unwrap().len(), 3);
        assert_eq!(read(r#"["a","b"]"#).texts().unwrap(), ["a", "b"]);
        assert_eq!(read(r#"["a",1]"#).texts(), None);
        let object = read(r#"{"a":"b","c":{"d":[]}}"#);
        assert_eq!(object.field("a").and_then(Json::text), Some("b"));
        assert_eq!(
            object.field("c").and_then(|inner| inner.field("d")),
            Some(&Json::List(vec![]))
        );
        assert_eq!((object.field("b"), object.text(), object.list()), (None, None, None));
        assert_eq!((Json::Other.field("a"), Json::Other.texts()), (None, None));
    }
}
