import type { WordPair } from '.';

const adjectives =
  'amber bright calm cheerful clear cosy early gentle golden green happy kind lively lucky mellow merry misty open patient quiet silver sunny tidy violet warm welcome wide wise witty young'.split(
    ' ',
  );
const nouns =
  'anchor apple balcony bridge candle canal cedar cherry circle cottage garden harbor hazel island kettle kitchen lantern library maple meadow orchard piano plaza river saffron table teapot terrace valley window'.split(
    ' ',
  );

const english: WordPair = (pick) => `${pick(adjectives)}-${pick(nouns)}`;
export default english;
