/**
 * Runs a PostgreSQL and does what it is told: `kill` and `start`. The end of its input means that whoever started it has
 * finished or is dead, however it died: then it ends the server and removes the folder, so that no test leaves anything behind.
 *
 * A PostgreSQL whose first process is killed leaves others, each in a group of its own, that end a moment later and bar
 * the next start until then: they are killed with it.
 *
 * $1: the folder. The rest: the server's command.
 */
export const supervisorScript = `
folder=$1
shift
start() {
  "$@" >>"$folder/log" 2>&1 &
  server=$!
}
start "$@"
while read -r word; do
  case $word in
    kill)
      kill -STOP "$server"
      children=$(cat "/proc/$server/task/$server/children" 2>/dev/null || pgrep -P "$server")
      kill -KILL "$server" $children
      wait "$server" 2>/dev/null
      ;;
    start) start "$@" ;;
  esac
done
kill -QUIT "$server"
wait "$server"
cd /
rm -rf "$folder"
`
