import type { WordPair } from '.';

// The adjective follows the noun and agrees with it: masculine, feminine.
const adjectives = [
  ['alegre', 'alegre'],
  ['amable', 'amable'],
  ['ancho', 'ancha'],
  ['azul', 'azul'],
  ['blanco', 'blanca'],
  ['claro', 'clara'],
  ['dorado', 'dorada'],
  ['dulce', 'dulce'],
  ['fresco', 'fresca'],
  ['grande', 'grande'],
  ['limpio', 'limpia'],
  ['lindo', 'linda'],
  ['nuevo', 'nueva'],
  ['sabio', 'sabia'],
  ['sereno', 'serena'],
  ['soleado', 'soleada'],
  ['suave', 'suave'],
  ['tranquilo', 'tranquila'],
  ['verde', 'verde'],
  ['vivo', 'viva'],
] as const;
const masculine =
  'balcon barco bosque camino campo canal faro jardin lago limonero molino olivo patio piano prado puente puerto rio tejado valle'.split(
    ' ',
  );
const feminine =
  'almendra cafetera campana canela casa cocina colina encina fuente isla lampara luna mesa naranja nube plaza ribera silla terraza ventana'.split(
    ' ',
  );

const spanish: WordPair = (pick) => {
  const form = pick([0, 1] as const);
  return `${pick(form === 0 ? masculine : feminine)}-${pick(adjectives)[form]}`;
};
export default spanish;
