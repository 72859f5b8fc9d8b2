export { Avatar } from './Avatar';
export { Picture } from './Picture';
export { StatsDialog } from './StatsDialog';
export { Tile } from './Tile';
