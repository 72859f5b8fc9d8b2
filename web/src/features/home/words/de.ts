import type { WordPair } from '.';

// Without an article the ending shows the gender: masculine, feminine, neuter.
const stems =
  'alt blau bunt fein freundlich frisch froh gelb gemütlich golden grün heiter hell klar klug leicht lieb mild munter ruhig sanft schön silbern sonnig still warm weiß weit wach zart'.split(
    ' ',
  );
const endings = ['er', 'e', 'es'] as const;
const nouns = [
  'Ahorn Apfel Balkon Fluss Garten Hafen Hügel Kirschbaum Krug Leuchtturm Mond Saal See Stuhl Tisch Wald'.split(
    ' ',
  ),
  'Allee Birke Brücke Bühne Insel Kanne Kerze Küche Lampe Laube Linde Mühle Quelle Tasse Terrasse Wiese'.split(
    ' ',
  ),
  'Boot Dach Fenster Feuer Haus Klavier Licht Nest Tal Tor Ufer Zelt Zimmer'.split(' '),
] as const;

const german: WordPair = (pick) => {
  const gender = pick([0, 1, 2] as const);
  return `${pick(stems)}${endings[gender]}-${pick(nouns[gender])}`.toLowerCase();
};
export default german;
