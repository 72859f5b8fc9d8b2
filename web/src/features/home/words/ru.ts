import type { WordPair } from '.';

// Stem, and its endings by gender: masculine, feminine, neuter.
const hard = ['ый', 'ая', 'ое'] as const;
const soft = ['ий', 'яя', 'ее'] as const;
const hushed = ['ий', 'ая', 'ое'] as const;
const adjectives = [
  ...'ярк широк тих лёгк звонк'.split(' ').map((stem) => [stem, hushed] as const),
  ...'добр светл тёпл весёл мудр янтарн уютн ясн спокойн солнечн мирн дружн бел нов зелён красн золотист'
    .split(' ')
    .map((stem) => [stem, hard] as const),
  ...'син утренн вечерн летн весенн'.split(' ').map((stem) => [stem, soft] as const),
];
const nouns = [
  'балкон берег вечер вокзал двор дом залив клён мост остров парус рояль сад самовар стол фонарь чайник'.split(
    ' ',
  ),
  'беседка вишня гавань долина кухня лампа лодка луна мельница площадь роща река терраса тропа чашка яблоня'.split(
    ' ',
  ),
  'дерево море небо облако озеро окно поле утро'.split(' '),
] as const;

const russian: WordPair = (pick) => {
  const gender = pick([0, 1, 2] as const);
  const [stem, endings] = pick(adjectives);
  return `${stem}${endings[gender]}-${pick(nouns[gender])}`;
};
export default russian;
