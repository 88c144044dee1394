CREATE TABLE words (word text);
\copy words FROM 'words.txt'
