"""The exam-files face: exams read from a folder, attempts kept in it as files. Source: exam-files contract."""
