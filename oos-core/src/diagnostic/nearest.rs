//! The name that was probably meant: edit distance with a bound.

/// CHOICE: changes between a name and a hint at most. Longer names could differ in more and still be alike, but the
/// search for them costs the square of their length.
const MOST_CHANGES: usize = 8;

/// The candidate nearest to `name`, when it is near enough to be meant: equal without case, or within one change per
/// three characters (at least one, at most [`MOST_CHANGES`]). Of equally near ones the first counts.
pub(crate) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let folded: Vec<char> = name.to_lowercase().chars().collect();
    // CHOICE: one change per three characters, as compilers do; more suggests names that have nothing in common.
    let mut most = (folded.len() / 3).clamp(1, MOST_CHANGES);
    let mut best = None;
    for candidate in candidates.into_iter().filter(|candidate| *candidate != name) {
        // Only what is nearer than the best so far is looked for, so each find makes the rest of the search cheaper.
        if let Some(distance) = distance(&folded, candidate, most) {
            best = Some(candidate);
            match distance.checked_sub(1) {
                Some(nearer) => most = nearer,
                None => break,
            }
        }
    }
    best
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one text to the other, case ignored;
/// `None` for more than `most`. Only cells within `most` of the diagonal are filled: beyond it there are more changes.
fn distance(a: &[char], b: &str, most: usize) -> Option<usize> {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let far = most + 1;
    let cell = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(far);
    let mut before = vec![far; b.len() + 2];
    let mut row: Vec<usize> = (0..b.len() + 2).map(|j| j.min(far)).collect();
    let mut next = before.clone();
    let mut least_before = 0;
    for (i, x) in a.iter().enumerate() {
        let (low, high) = ((i + 1).saturating_sub(most), (i + 1 + most).min(b.len()));
        let mut least = far;
        // The cell on either side of the band is read, too.
        next.iter_mut().take(high + 2).skip(low.saturating_sub(1)).for_each(|slot| *slot = far);
        next.iter_mut().take(1).for_each(|first| *first = (i + 1).min(far));
        for j in low.max(1)..=high {
            let (left, y) = (j - 1, b.get(j - 1));
            let replaced = cell(&row, left) + usize::from(Some(x) != y);
            let mut best = (cell(&row, j) + 1).min(cell(&next, left) + 1).min(replaced);
            if left > 0 && i > 0 && b.get(left - 1) == Some(x) && a.get(i - 1) == y {
                best = best.min(cell(&before, left - 1) + 1);
            }
            least = least.min(best);
            if let Some(slot) = next.get_mut(j) {
                *slot = best.min(far);
            }
        }
        least = least.min(cell(&next, 0));
        if least >= far && least_before >= far {
            return None;
        }
        least_before = least;
        std::mem::swap(&mut before, &mut row);
        std::mem::swap(&mut row, &mut next);
    }
    Some(cell(&row, b.len())).filter(|changes| *changes <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_ignores_strangers() {
        assert_eq!(nearest("instnaceId", ["regionId", "instanceId"]), Some("instanceId"));
        assert_eq!(nearest("Propertes", ["Outputs", "Properties"]), Some("Properties"));
        assert_eq!(nearest("tasks", ["Outputs", "Tasks"]), Some("Tasks"));
        assert_eq!(nearest("Timeout", ["Name", "Action", "OnError"]), None);
        assert_eq!(nearest("ab", ["xy"]), None);
        assert_eq!(nearest("", ["a", "b"]), Some("a"));
    }

    #[test]
    fn a_swap_counts_once() {
        let changes = |a: &str, b: &str, most| distance(&a.chars().collect::<Vec<_>>(), b, most);
        assert_eq!(changes("abcd", "acbd", 8), Some(1));
        assert_eq!(changes("kitten", "sitting", 8), Some(3));
        assert_eq!(changes("kitten", "Sitting", 3), Some(3));
        assert_eq!(changes("kitten", "sitting", 2), None);
        assert_eq!(changes("", "abc", 8), Some(3));
        assert_eq!(changes("abc", "", 3), Some(3));
        assert_eq!(changes("same", "SAME", 0), Some(0));
        assert_eq!(changes("badc", "abcd", 2), Some(2));
        assert_eq!(changes("xabcdefgh", "abcdefghy", 2), Some(2));
    }

    #[test]
    fn long_names_are_alike_within_a_few_changes() {
        let long = "a".repeat(190);
        assert_eq!(nearest(&format!("{long}bcd"), [&*long]), Some(&*long));
        assert_eq!(nearest(&format!("{long}bcdefghij"), [&*long]), None);
    }
}
