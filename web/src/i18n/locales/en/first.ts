import common from './common.json';
import errors from './errors.json';
import home from './home.json';
import prejoin from './prejoin.json';

// What the first screens say. The rest of the English texts comes with the code that needs it (englishLater.ts).
export default { common, home, prejoin, errors };
