//! Which tests are wanted.

use std::fmt;
use std::str::FromStr;

/// A part of a test's name, or the name of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TestName(String);

impl TestName {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TestName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err("an empty name chooses no test: give a part of a name, or leave out the `--`");
        }
        // The runner would take it for an option, and would then run all tests.
        if text.starts_with('-') {
            return Err("after `--` stands a part of a test's name: options of the test runner cannot be given");
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_choose_all_tests_is_no_name() {
        assert!("".parse::<TestName>().is_err());
        assert!("--nocapture".parse::<TestName>().is_err());
        assert_eq!("a::b".parse::<TestName>().unwrap().as_str(), "a::b");
    }
}
