//! Text as people compare it: without case, without accents, in words.
//!
//! What is folded is compared byte by byte, so that every database finds and orders the same. It is nothing to show.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Folds case and accents: Unicode's compatibility form (NFKC) of the lower case, without the marks that a reader may
/// leave out. `José`, `JOSE` and `ｊｏｓｅ` are one; `ß` is `ss`, `ø` is `o`, `ς` is `σ`, and `が` stays another than `か`.
#[must_use]
pub fn fold(text: &str) -> String {
    // An accent by itself is somebody's apostrophe, and would come apart into a space.
    let typed = text.chars().map(|c| if c == '´' { '\'' } else { c });
    let bare = typed.nfkd().filter(|c| !is_left_out(*c));
    let lower = bare.flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    for c in lower {
        match plain(c) {
            Some(plain) => folded.push_str(plain),
            None => folded.push(c),
        }
    }
    folded.nfc().collect()
}

/// The folded words of a text. What is neither letter, digit nor mark parts words, but an apostrophe joins:
/// `O'Brien-Núñez` is `obrien` and `nunez`.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    let folded: String = fold(text).chars().filter(|c| !is_apostrophe(*c)).collect();
    let words: Vec<String> = folded
        .split(|c| !is_of_a_word(c))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.into_iter()
}

/// What the folded words of a text may begin with besides [`words`]: the parts behind an apostrophe, `angelo` of
/// `D'Angelo`.
pub fn parts(text: &str) -> impl Iterator<Item = String> {
    let folded = fold(text);
    let parts: Vec<String> = folded
        .split(|c| !is_of_a_word(c) && !is_apostrophe(c))
        .flat_map(|word| word.split(is_apostrophe).skip(1))
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    parts.into_iter()
}

/// By what a text is ordered: its folded words, at most `most` characters of them.
#[must_use]
pub fn order(text: &str, most: usize) -> String {
    let words = words(text).collect::<Vec<_>>().join(" ");
    let shown = if words.is_empty() { fold(text) } else { words };
    let cut: String = shown.chars().take(most).collect();
    cut.trim_end().to_owned()
}

/// Whether a character is written in a script that puts the family name first and no space behind it.
#[must_use]
pub fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}' | '々' | '〆')
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | 'ʹ' | 'ʻ' | 'ʼ' | 'ʿ' | '‘' | '’' | '׳')
}

/// Accents, the points of Hebrew and Arabic, and characters that nobody sees. Vowel signs of other scripts are letters
/// to who reads them, and stay.
fn is_left_out(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' // accents
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}'
        | '\u{0483}'..='\u{0489}' // Cyrillic
        | '\u{0591}'..='\u{05BD}' | '\u{05BF}' | '\u{05C1}'..='\u{05C2}' | '\u{05C4}'..='\u{05C5}' | '\u{05C7}' // Hebrew
        | '\u{0610}'..='\u{061A}' | '\u{0640}' | '\u{064B}'..='\u{065F}' | '\u{0670}' // Arabic
        | '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{FE00}'..='\u{FE0F}') // unseen
}

/// Letters that Unicode does not take apart, as people without them on the keyboard write them.
const fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ł' => "l",
        'ħ' => "h",
        'ŧ' => "t",
        'ŋ' => "n",
        'ı' => "i",
        'ĸ' => "k",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_people_take_for_the_same_fold_to_the_same() {
        for (written, folded) in [
            ("José Núñez", "jose nunez"),
            ("MÜLLER", "muller"),
            ("Müller", "muller"),
            ("Ωμέγα", "ωμεγα"),
            ("ΩΜΈΓΑΣ", "ωμεγασ"),
            ("ωμέγας", "ωμεγασ"),
            ("Иванов", "иванов"),
            ("Семёнов", "семенов"),
            ("王小明", "王小明"),
            ("Straße", "strasse"),
            ("STRASSE", "strasse"),
            ("Søren Łukasz Yıldız İnan", "soren lukasz yildiz inan"),
            ("Nguyễn Thị", "nguyen thi"),
            ("ﬁrst ｆｕｌｌ", "first full"),
            ("ｶﾞ", "ガ"),
            ("حَمْزَة", "حمزة"),
            ("שָׁלוֹם", "שלום"),
            ("김민준", "김민준"),
        ] {
            assert_eq!(fold(written), folded, "{written}");
            assert_eq!(fold(folded), folded, "{written}");
        }
        assert_ne!(fold("が"), fold("か"));
        assert_ne!(fold("कि"), fold("का"));
    }

    #[test]
    fn words_are_parted_by_what_is_no_letter_and_joined_by_apostrophes() {
        let of = |text| words(text).collect::<Vec<_>>();
        assert_eq!(of("O'Brien-Núñez"), ["obrien", "nunez"]);
        assert_eq!(of("O´Brien O`Brien O’Brien"), ["obrien"; 3]);
        assert_eq!(
            of("jose.nunez+crm@mail.example.com"),
            ["jose", "nunez", "crm", "mail", "example", "com"]
        );
        assert_eq!(of(" \u{3000}王　小明 "), ["王", "小明"]);
        assert_eq!(of("प्रिया शर्मा"), ["प्रिया", "शर्मा"]);
        assert_eq!(of("— !? 🎈"), [""; 0]);
        assert_eq!(
            parts("D’Angelo O'Brien").collect::<Vec<_>>(),
            ["angelo", "brien"]
        );
        assert_eq!(parts("Anne-Marie").count(), 0);
    }

    #[test]
    fn an_order_ignores_what_is_no_letter_unless_there_is_nothing_else() {
        assert_eq!(order("  Núñez-O'Brien ", 120), "nunez obrien");
        assert_eq!(order("???", 120), "???");
        assert_eq!(order("ab cd", 3), "ab");
    }
}
