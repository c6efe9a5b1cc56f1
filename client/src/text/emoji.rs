//! Emoji: how many a message is made of, and the names that they are typed by.

use crate::config::LONE_EMOJI_MAX;

/// The names that emoji are typed by, between colons.
// No limit: a table.
const NAMED: &str = "angry 😠 beer 🍺 bird 🐦 blush 😊 broken_heart 💔 bulb 💡 cake 🍰 cat 🐱 check ✅ clap 👏 coffee ☕ confused 😕 cool 😎 \
    cry 😢 dog 🐶 eyes 👀 facepalm 🤦 fire 🔥 flower 🌸 grin 😁 heart ❤️ heart_eyes 😍 hug 🤗 joy 😂 kiss 😘 muscle 💪 neutral 😐 ok 👌 \
    parrot 🦜 party 🥳 pizza 🍕 plus1 👍 pray 🙏 question ❓ rain 🌧️ rocket 🚀 rofl 🤣 sad 🙁 scream 😱 shrug 🤷 sleepy 😴 smile 😄 smirk 😏 \
    sob 😭 sparkles ✨ star ⭐ sun ☀️ sweat_smile 😅 tada 🎉 thinking 🤔 thumbsdown 👎 thumbsup 👍 tongue 😛 warning ⚠️ wave 👋 wink 😉 wow 😮 \
    x ❌ yum 😋 zzz 💤";

/// The names that begin so, with their emoji, in order.
pub(super) fn named(prefix: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut words = NAMED.split_ascii_whitespace();
    let pairs = std::iter::from_fn(move || Some((words.next()?, words.next()?)));
    pairs.filter(move |(name, _)| name.starts_with(prefix))
}

/// Whether a message is nothing but a few emoji: then they are shown large.
#[must_use]
pub fn is_lone_emoji(text: &str) -> bool {
    let mut count = 0;
    let mut before = ' ';
    // A flag is two letters of its own kind.
    let mut flag_letters = 0;
    for char in text.trim().chars() {
        match char {
            '\u{1f1e6}'..='\u{1f1ff}' => {
                count += usize::from(flag_letters % 2 == 0);
                flag_letters += 1;
            }
            // What makes another emoji of the one before: its look, its colour, the tags of a flag, and the joint to the next.
            '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}' | '\u{200d}' if count > 0 => {}
            '\u{2600}'..='\u{27bf}'
            | '\u{2b1b}'..='\u{2b55}'
            | '\u{231a}'
            | '\u{231b}'
            | '\u{23e9}'..='\u{23f3}'
            | '\u{1f000}'..='\u{1faff}' => {
                count += usize::from(before != '\u{200d}');
            }
            ' ' => {}
            _ => return false,
        }
        before = char;
        if count > LONE_EMOJI_MAX {
            return false;
        }
    }
    count > 0 && flag_letters % 2 == 0 && text.len() <= LONE_EMOJI_MAX * EMOJI_BYTES
}

/// What the longest emoji takes: a family of four with colours, or a flag with tags.
// No limit: of Unicode.
const EMOJI_BYTES: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_emoji_alone_are_large_and_nothing_else_is() {
        for text in [
            "👍",
            "❤️",
            " 🎉 ",
            "😂😂😂",
            "🇩🇪",
            "🇩🇪🇫🇷🦜",
            "👩‍👩‍👧‍👦",
            "🏳️‍🌈",
            "👍🏽 👍🏿",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "⭐",
        ] {
            assert!(is_lone_emoji(text), "{text}");
        }
        let piled = format!("👍{}", "\u{200d}\u{fe0f}".repeat(1_000));
        for text in [
            "",
            " ",
            "😂😂😂😂",
            "ok 👍",
            "1",
            "→",
            "🇩",
            "\u{fe0f}",
            "\u{200d}",
            "👍\n👍",
            &piled,
        ] {
            assert!(!is_lone_emoji(text), "{text}");
        }
    }

    #[test]
    fn each_name_is_one_that_can_be_typed_and_means_one_emoji() {
        let all: Vec<_> = named("").collect();
        assert!((30..=60).contains(&all.len()), "{}", all.len());
        assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, emoji) in all {
            assert!(
                name.bytes()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')),
                "{name}"
            );
            assert!(is_lone_emoji(emoji), "{emoji}");
        }
        assert_eq!(named("heart").map(|(_, emoji)| emoji).collect::<Vec<_>>(), ["❤️", "😍"]);
    }
}
