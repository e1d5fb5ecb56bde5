CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, amount INTEGER, note TEXT);
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
INSERT INTO orders SELECT i, (i * 7919) % 5000, (i * 31) % 977, 'order number ' || i FROM n;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
INSERT INTO customers SELECT i, 'customer ' || (i % 100) FROM n;
CREATE INDEX by_customer ON orders (customer);
SELECT c.name, COUNT(*), SUM(o.amount) FROM orders o JOIN customers c ON c.id = o.customer GROUP BY c.name ORDER BY 3 DESC LIMIT 5;
SELECT COUNT(*) FROM orders WHERE note LIKE '%99%';
