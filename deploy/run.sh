#!/usr/bin/env bash
# Runs the app as a server, in the background, also after you log out.
#
#   deploy/run.sh              start it on port 80, or on PORT
#   deploy/run.sh stop         stop it; running answers keep their text so far
#   deploy/run.sh restart      … and start it again, on the same port
#   deploy/run.sh status       say if it is running
#   deploy/run.sh log          show its log
#   deploy/run.sh foreground   run it here, as systemd and containers do
#
# Only this file contains the command that runs the server. The environment can set Streamlit's
# options: STREAMLIT_SERVER_ADDRESS=127.0.0.1, STREAMLIT_SERVER_ALLOWED_HOSTS=…
set -euo pipefail
cd "$(dirname "$0")/.."

address=${STREAMLIT_SERVER_ADDRESS:-127.0.0.1}
folder=${CHATBOT_RUN_FOLDER:-$PWD/.run}
log=$folder/chatbot.log
pid_file=$folder/chatbot.pid
port_file=$folder/chatbot.port  # of the running server, so that PORT is needed only once
port=${PORT:-$(cat "$port_file" 2>/dev/null || echo 80)}

streamlit=streamlit
[ ! -x .venv/bin/streamlit ] || streamlit=$PWD/.venv/bin/streamlit
command=("$streamlit" run deploy/server.py --server.port "$port" --server.headless true
  --server.fileWatcherType none
  --browser.serverAddress localhost)  # otherwise Streamlit asks an external server for this machine's address

is_running() {
  [ -f "$pid_file" ] && ps -ww -o args= -p "$(cat "$pid_file")" 2>/dev/null | grep -q deploy/server.py
}

says_yes() {  # PATH SECONDS
  "$(dirname "$(command -v "$streamlit")")/python" - "http://$address:$port$1" "$2" \
    2>/dev/null <<'PYTHON'
import sys, urllib.request
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=int(sys.argv[2]))
PYTHON
}

answers() {
  says_yes /_stcore/health 2
}

start() {
  if is_running; then
    echo "It runs already: process $(cat "$pid_file")."
    return
  fi
  mkdir -p "$folder"
  chmod 700 "$folder"
  # One earlier log is kept, once this one has 10 MB.
  [ -z "$(find "$log" -size +10M 2>/dev/null)" ] || mv "$log" "$log.1"
  nohup "${command[@]}" >>"$log" 2>&1 </dev/null &
  echo $! >"$pid_file"
  echo "$port" >"$port_file"
  for _ in $(seq 150); do
    if answers; then
      echo "It runs on port $port. What it logs is in $log."
      if ! says_yes /healthz 15; then
        echo "But something is wrong, and the page says what. The last words of the log:" >&2
        tail -n 3 "$log" >&2
      fi
      return
    fi
    is_running || break
    sleep 0.2
  done
  rm -f "$port_file"
  echo "It did not start. Its last words:" >&2
  tail -n 5 "$log" >&2
  [ "$port" -ge 1024 ] || echo "Ports below 1024 need root: use sudo, or PORT=8080." >&2
  exit 1
}

stop() {
  if is_running; then
    pid=$(cat "$pid_file")
    kill "$pid"
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.2
    done
    ! kill -0 "$pid" 2>/dev/null || kill -9 "$pid"
  fi
  rm -f "$pid_file" "$port_file"
  echo "It is stopped."
}

case ${1:-start} in
  start) start ;;
  stop) stop ;;
  restart) stop && start ;;
  status) if is_running && answers; then echo "It runs on port $port."; else echo "It does not run." && exit 1; fi ;;
  log) tail -n 50 -f "$log" ;;
  foreground) exec "${command[@]}" ;;
  *) sed -n '2,13s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
