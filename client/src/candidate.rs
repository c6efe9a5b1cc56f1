//! Batches of ICE candidates: each envelope that carries candidates costs a signature, and candidates come in bursts.

use std::time::Duration;

use mesh::io::Candidate;

use crate::config::CANDIDATE_BATCH;

/// What a connection reports while it looks for ways to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A candidate. Browsers report the end of one network's candidates as one with an empty line.
    Candidate(Candidate),
    /// There are no more.
    End,
}

/// The candidates of one link that were found and not handed on yet.
#[derive(Debug, Default)]
pub struct CandidateBatch(Vec<Candidate>);

impl CandidateBatch {
    /// Adds what was found. Gives the time after which to [take](Self::take) the batch, if this begins one.
    #[must_use]
    pub fn push(&mut self, found: Found) -> Option<Duration> {
        let candidate = match found {
            // The end of one network's is of no use to anybody.
            Found::Candidate(candidate) if candidate.line.is_empty() => return None,
            Found::Candidate(candidate) => candidate,
            Found::End => Candidate::end(),
        };
        self.0.push(candidate);
        (self.0.len() == 1).then_some(CANDIDATE_BATCH)
    }

    /// What was gathered, in the order found.
    #[must_use]
    pub fn take(&mut self) -> Vec<Candidate> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(line: &str) -> Candidate {
        Candidate {
            line: line.to_owned(),
            mid: Some("0".to_owned()),
        }
    }

    #[test]
    fn the_first_of_a_batch_sets_the_time_and_the_others_join_it() {
        let mut batch = CandidateBatch::default();
        assert_eq!(batch.push(Found::Candidate(candidate("a"))), Some(CANDIDATE_BATCH));
        assert_eq!(batch.push(Found::Candidate(candidate("b"))), None);
        assert_eq!(batch.push(Found::End), None);
        assert_eq!(batch.take(), [candidate("a"), candidate("b"), Candidate::end()]);
        assert_eq!(batch.push(Found::Candidate(candidate("c"))), Some(CANDIDATE_BATCH));
    }

    #[test]
    fn the_end_of_one_network_is_dropped_and_the_end_of_all_is_told() {
        let mut batch = CandidateBatch::default();
        assert_eq!(batch.push(Found::Candidate(candidate(""))), None);
        assert_eq!(batch.push(Found::End), Some(CANDIDATE_BATCH));
        assert_eq!(batch.take(), [Candidate::end()]);
    }
}
