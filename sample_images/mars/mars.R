#!/usr/bin/env -S dumb-init --single-child --rewrite 15:2 Rscript --vanilla

# Multivariate adaptive regression splines: `mars.R train` or `mars.R serve`.
#
# R has no way to handle SIGTERM, and as PID 1 it would not even end by it. So the first line puts
# dumb-init in front, which hands SIGTERM (15) on as SIGINT (2): an interrupt, which R can catch.

paths <- list(
  hyperparameters = "/opt/ml/input/config/hyperparameters.json",
  channel = "/opt/ml/input/data/train",
  model = "/opt/ml/model/mars.rds",
  failure = "/opt/ml/output/failure"
)
failure_length <- 1024 # what the platform shows of it
poll_s <- 0.05
drain_s <- 1

say <- function(...) {
  cat(..., "\n", sep = "")
  flush(stdout())
}

# The numbers of CSV text without header as a matrix; stops with a message for the user.
numbers <- function(bytes) {
  if (any(bytes == 0)) stop("this is not text")
  text <- rawToChar(bytes)
  if (!validUTF8(text)) stop("the text is not UTF-8")
  if (grepl("\r", text, fixed = TRUE)) text <- gsub("\r\n", "\n", text, fixed = TRUE)
  # A line end at the very end makes no further line.
  lines <- strsplit(text, "\n", fixed = TRUE)[[1]]
  # Much faster than expressions of base R, and large bodies keep /ping waiting.
  commas <- stringi::stri_count_fixed(lines, ",")
  uneven <- which(commas != commas[1])
  if (length(uneven) > 0) {
    stop("line ", uneven[1], " has ", commas[uneven[1]] + 1, " columns, line 1 has ", commas[1] + 1)
  }
  fields <- unlist(strsplit(lines, ",", fixed = TRUE))
  values <- suppressWarnings(as.numeric(fields))
  bad <- which(!is.finite(values))
  if (length(bad) > 0) {
    stop("line ", ceiling(bad[1] / (commas[1] + 1)), " has something that is not a finite number")
  }
  # An empty last field is lost when a line is split.
  if (length(values) != length(lines) * (commas[1] + 1)) stop("a line is blank or ends with a comma")
  matrix(values, nrow = length(lines), byrow = TRUE)
}

# ---- training --------------------------------------------------------------------------------

# The hyperparameters as the platform gives them: each value is a string.
read_hyperparameters <- function() {
  if (!file.exists(paths$hyperparameters)) {
    return(list())
  }
  given <- tryCatch(
    jsonlite::fromJSON(paths$hyperparameters, simplifyVector = FALSE),
    error = function(problem) stop("hyperparameters.json: ", conditionMessage(problem))
  )
  if (length(given) > 0 && is.null(names(given))) stop("hyperparameters.json holds no JSON object")
  # Some clients send a value with JSON's quotes around it.
  lapply(given, function(value) gsub("^\"|\"$", "", as.character(value)))
}

# A hyperparameter as a number.
number <- function(given, name, default, lowest, whole) {
  text <- given[[name]]
  if (is.null(text)) {
    return(default)
  }
  value <- suppressWarnings(as.numeric(text))
  kind <- if (whole) "a whole number" else "a number"
  if (is.na(value) || value < lowest || (whole && value != round(value))) {
    stop("hyperparameter ", name, " is '", text, "', not ", kind, " of ", lowest, " or more")
  }
  value
}

# A hyperparameter as TRUE or FALSE.
truth <- function(given, name, default) {
  text <- given[[name]]
  if (is.null(text)) {
    return(default)
  }
  value <- as.logical(text)
  if (is.na(value)) stop("hyperparameter ", name, " is '", text, "', neither true nor false")
  value
}

# All files of the channel, whatever their names and folders, as one matrix.
read_examples <- function() {
  if (!dir.exists(paths$channel)) {
    stop("channel 'train' is missing: there is no folder ", paths$channel)
  }
  files <- sort(list.files(paths$channel, recursive = TRUE, full.names = TRUE))
  tables <- lapply(files, function(file) {
    bytes <- readBin(file, "raw", n = file.size(file))
    if (length(bytes) == 0) {
      return(NULL)
    }
    tryCatch(numbers(bytes), error = function(problem) {
      stop(basename(file), ": ", conditionMessage(problem))
    })
  })
  examples <- do.call(rbind, tables)
  if (is.null(examples)) stop("channel 'train' has no rows")
  if (ncol(examples) < 2) stop("the rows of channel 'train' have a target and no features")
  if (nrow(examples) < 10) stop("channel 'train' has ", nrow(examples), " rows, 10 are needed")
  examples
}

# Rounds of five-fold cross-validation: the mean error is logged now and then.
cross_validate <- function(fit, x, y, rounds) {
  errors <- numeric(0)
  said <- -Inf
  for (round in seq_len(rounds)) {
    set.seed(round)
    folds <- sample(rep(1:5, length.out = length(y)))
    squares <- sapply(1:5, function(fold) {
      away <- folds == fold
      model <- fit(x[!away, , drop = FALSE], y[!away])
      mean((predict(model, x[away, , drop = FALSE]) - y[away])^2)
    })
    errors <- c(errors, sqrt(mean(squares)))
    if (proc.time()[["elapsed"]] - said > 10 || round == rounds) {
      said <- proc.time()[["elapsed"]]
      say("round=", round, " validation_rmse=", signif(mean(errors), 5))
    }
  }
}

train <- function() {
  # Loading takes a second or more; what is said afterwards is a sign of work.
  loadNamespace("mda")
  given <- read_hyperparameters()
  degree <- number(given, "degree", default = 1, lowest = 1, whole = TRUE)
  thresh <- number(given, "thresh", default = 0.001, lowest = 0, whole = FALSE)
  prune <- truth(given, "prune", default = TRUE)
  rounds <- number(given, "rounds", default = 0, lowest = 0, whole = TRUE)
  examples <- read_examples()
  y <- examples[, 1]
  x <- examples[, -1, drop = FALSE]
  say(nrow(x), " rows, ", ncol(x), " features")

  fit <- function(x, y) mda::mars(x, y, degree = degree, thresh = thresh, prune = prune)
  model <- fit(x, y)
  say("train_rmse=", signif(sqrt(mean(model$residuals^2)), 5))
  # A name in the model folder is never half a model.
  dir.create(dirname(paths$model), recursive = TRUE, showWarnings = FALSE)
  partial <- paste0(paths$model, ".partial")
  suspendInterrupts({
    saveRDS(list(model = model, features = ncol(x)), partial)
    file.rename(partial, paths$model)
  })
  say("saved ", paths$model)
  cross_validate(fit, x, y, rounds)
}

# Trains; the exit status. On failure the reason goes to the log and to the failure file.
run_training <- function() {
  tryCatch(
    {
      train()
      0
    },
    interrupt = function(stop) {
      say("training was stopped")
      if (file.exists(paths$model)) 0 else 1
    },
    error = function(problem) {
      reason <- trimws(gsub("[[:space:]]+", " ", conditionMessage(problem)))
      say("training failed: ", reason)
      dir.create(dirname(paths$failure), recursive = TRUE, showWarnings = FALSE)
      writeLines(substr(reason, 1, failure_length), paths$failure)
      1
    }
  )
}

# ---- serving ---------------------------------------------------------------------------------

answer <- function(res, status, text, type = "text/plain; charset=utf-8") {
  res$status <- status
  res$setHeader("Content-Type", type)
  res$body <- paste0(text, "\n")
  res
}

# One prediction for each line of a CSV body; stops with a message for the caller.
predictions <- function(trained, body) {
  if (length(body) == 0) stop("the body is empty")
  rows <- numbers(body)
  if (ncol(rows) != trained$features) {
    stop(ncol(rows), " columns, the model has ", trained$features, " features")
  }
  predict(trained$model, rows)[, 1]
}

serve <- function() {
  trained <- tryCatch(suppressWarnings(readRDS(paths$model)), error = function(problem) {
    say("no model in ", paths$model, ": ", conditionMessage(problem))
    NULL
  })
  # Loaded now: the first caller does not wait for it.
  loadNamespace("mda")

  ping <- function(req, res) {
    if (is.null(trained)) answer(res, 503, "no model") else answer(res, 200, "")
  }
  invocations <- function(req, res) {
    type <- tolower(trimws(sub(";.*", "", paste0(req$CONTENT_TYPE, ""))))
    if (is.null(trained)) {
      return(answer(res, 503, "no model"))
    }
    if (!identical(type, "text/csv")) {
      return(answer(res, 415, paste0("content type '", type, "': send text/csv")))
    }
    tryCatch(
      {
        predicted <- predictions(trained, req$bodyRaw)
        say("predicted ", length(predicted), " rows")
        lines <- paste(sprintf("%.10g", predicted), collapse = "\n")
        answer(res, 200, lines, type = "text/csv; charset=utf-8")
      },
      error = function(problem) answer(res, 400, conditionMessage(problem))
    )
  }
  # Any body of any type is left as it is; plumber's own parser "none" fails on most types.
  plumber::register_parser("untouched", function() function(value, ...) list(), regex = ".*")
  server <- plumber::pr()
  server <- plumber::pr_set_parsers(server, "untouched")
  server <- plumber::pr_set_docs(server, FALSE)
  server <- plumber::pr_handle(server, c("GET", "POST"), "/ping", ping)
  server <- plumber::pr_post(server, "/invocations", invocations)
  run_until_stopped(server)
  0
}

# Serves until it is interrupted. Requests in flight are answered: an interrupt is let in only
# between two turns of the loop (within a turn the libraries below would swallow it).
run_until_stopped <- function(server) {
  suspendInterrupts({
    handle <- httpuv::startServer("0.0.0.0", 8080, server)
    turn <- function() later::run_now(poll_s)
    tryCatch(
      repeat {
        turn()
        # Even a sleep of no time looks for an interrupt.
        allowInterrupts(Sys.sleep(0))
      },
      interrupt = function(stop) say("serving was stopped")
    )
    # The last answers may still be on their way.
    ended <- Sys.time() + drain_s
    while (Sys.time() < ended) turn()
    httpuv::stopServer(handle)
  })
}

words <- commandArgs(trailingOnly = TRUE)
if (identical(words, "train")) {
  status <- run_training()
} else if (identical(words, "serve")) {
  status <- serve()
} else {
  say("expected 'train' or 'serve', got '", paste(words, collapse = " "), "'")
  status <- 2
}
quit(save = "no", status = status)
