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
/// `None` for more than `most`.
fn distance(a: &[char], b: &str, most: usize) -> Option<usize> {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let far = most + 1;
    let cell = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(far);
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).map(|j| j.min(far)).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![far; b.len() + 1];
        // Further from the diagonal there are more changes than are looked for.
        for j in i.saturating_sub(most)..=(i + 1 + most).min(b.len()) {
            let Some(left) = j.checked_sub(1) else {
                next.iter_mut().take(1).for_each(|first| *first = (i + 1).min(far));
                continue;
            };
            let y = b.get(left);
            let mut best =
                (cell(&row, j) + 1).min(cell(&next, left) + 1).min(cell(&row, left) + usize::from(Some(x) != y));
            let swapped = left > 0 && i > 0 && b.get(left - 1) == Some(x) && a.get(i - 1) == y;
            if swapped {
                best = best.min(cell(&before, left - 1) + 1);
            }
            if let Some(slot) = next.get_mut(j) {
                *slot = best.min(far);
            }
        }
        if next.iter().all(|changes| *changes >= far) && row.iter().all(|changes| *changes >= far) {
            return None;
        }
        before = std::mem::replace(&mut row, next);
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
